"""The table of refusals: every code has one class, and every class what both kinds of clients need."""

from http import HTTPStatus
from typing import Any

import pytest

import schema.build  # noqa: F401 - it loads every module that defines an error
from schema.cost.work_limit import OperationTooComplex
from services.budgets.errors import RateLimited
from services.core.errors import CloudKeepError, ErrorCode, InvalidInput, NotFound

#: Rendered without a class of their own, by GraphQL or by the endpoints.
CLASSLESS = {
    ErrorCode.CROSS_ORIGIN_REQUEST,
    ErrorCode.GRAPHQL_INVALID,
    ErrorCode.HOST_NOT_ALLOWED,
    ErrorCode.INTERNAL,
    ErrorCode.MALFORMED_REQUEST,
    ErrorCode.NOT_READY,
    ErrorCode.RANGE_NOT_SATISFIABLE,
    ErrorCode.REQUEST_TOO_LARGE,
    ErrorCode.TOO_MANY_CONNECTIONS,
}

#: Further arguments of the error classes.
PARTICULARS: dict[type[CloudKeepError], dict[str, Any]] = {
    OperationTooComplex: {"limit": "depth", "maximum": 1, "actual": 2},
    RateLimited: {"layer": "account"},
}


def classes(base: type[CloudKeepError] = CloudKeepError) -> list[type[CloudKeepError]]:
    """Every error with a code of its own, wherever it is defined."""
    subclasses = [found for direct in base.__subclasses__() for found in (direct, *classes(direct))]
    return sorted({found for found in subclasses if "code" in vars(found)}, key=lambda found: found.__name__)


def test_no_code_has_two_classes() -> None:
    codes = [found.code for found in classes()]
    assert len(codes) == len(set(codes))


def test_every_code_is_used() -> None:
    assert {found.code for found in classes()} | CLASSLESS == set(ErrorCode)


@pytest.mark.parametrize("code", ErrorCode, ids=str)
def test_a_code_is_its_own_name(code: ErrorCode) -> None:
    assert code.value == code.name


@pytest.mark.parametrize("found", classes(), ids=lambda found: found.__name__)
def test_a_refusal_has_a_status_that_http_knows(found: type[CloudKeepError]) -> None:
    assert 400 <= HTTPStatus(found.status) <= 599


@pytest.mark.parametrize("found", classes(), ids=lambda found: found.__name__)
def test_a_refusal_carries_its_message_and_code(found: type[CloudKeepError]) -> None:
    particulars = PARTICULARS.get(found, {})
    error = found("what is wrong", **particulars)
    expected = {"code": found.code.value, **particulars}
    assert (str(error), {**error.extensions, **expected}) == ("what is wrong", error.extensions)


def test_an_expected_refusal_names_its_field() -> None:
    assert InvalidInput("no", field="size").field == "size"
    assert NotFound("no").field is None
