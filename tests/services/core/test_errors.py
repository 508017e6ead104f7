"""The table of refusals: every code has one class, and every class what both kinds of clients need."""

from http import HTTPStatus
from typing import Any

import pytest

from services.core import errors
from services.core.errors import CloudKeepError, ErrorCode, ExpectedError

#: Rendered without a class of their own, by GraphQL or by the endpoints.
CLASSLESS = {
    ErrorCode.FORBIDDEN,
    ErrorCode.INTERNAL,
    ErrorCode.MALFORMED_REQUEST,
    ErrorCode.NOT_READY,
    ErrorCode.RANGE_NOT_SATISFIABLE,
    ErrorCode.REQUEST_TOO_LARGE,
}

#: What a class demands to know beside the message.
PARTICULARS: dict[type[CloudKeepError], dict[str, Any]] = {
    errors.OperationTooComplex: {"limit": "depth", "maximum": 1, "actual": 2},
    errors.RateLimited: {"layer": "account"},
}


def classes() -> list[type[CloudKeepError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, CloudKeepError)]
    return [value for value in found if value not in {CloudKeepError, ExpectedError}]


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
    assert errors.InvalidInput("no", field="size").field == "size"
    assert errors.NotFound("no").field is None
