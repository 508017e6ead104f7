"""The viewer and the payer of an operation."""

from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest

from resolvers.context import Context, RequestContext
from services.accounts.errors import Unauthenticated
from services.accounts.tokens import Viewer
from services.budgets.budgets import Payer
from services.container import Services
from services.core.clock import now

#: These tests use no service.
NO_SERVICES = cast(Services, object())


def request(seconds: int | None) -> RequestContext:
    """A request with a token that expires in ``seconds``, or without one."""
    viewer = None if seconds is None else Viewer(uuid4(), uuid4(), now() + timedelta(seconds=seconds))
    return RequestContext(NO_SERVICES, "192.0.2.1", "http://localhost:8000", viewer)


def context(seconds: int | None) -> Context:
    """The context of an operation of that request."""
    return request(seconds).for_operation()


def test_the_signed_in_user_is_the_viewer() -> None:
    found = context(60)
    assert found.viewer is found.authenticated


@pytest.mark.parametrize(("seconds", "why"), [(None, "Sign in first"), (-1, "has expired")])
def test_a_request_without_a_valid_token_has_no_viewer(seconds: int | None, why: str) -> None:
    with pytest.raises(Unauthenticated, match=why):
        _ = context(seconds).viewer


def test_a_token_that_is_not_valid_is_an_error_where_a_viewer_is_optional_too() -> None:
    whole = request(None)
    assert whole.for_operation().viewer_or_none is None
    whole.token_error = Unauthenticated("It has expired.")
    for operation in (whole.for_operation(), context(-1)):
        with pytest.raises(Unauthenticated, match="has expired"):
            _ = operation.viewer_or_none


def test_a_request_whose_token_is_not_valid_is_paid_for_by_its_address() -> None:
    whole = request(None)
    whole.token_error = Unauthenticated("It has expired.")
    assert whole.for_operation().payer == Payer("192.0.2.1", None)


def test_what_is_loaded_is_never_shared_between_operations_of_a_request() -> None:
    whole = request(60)
    assert whole.for_operation().loaders is not whole.for_operation().loaders


def test_an_account_pays_for_its_operations_and_an_address_for_anonymous_ones() -> None:
    signed_in, anonymous = context(60), context(None)
    assert signed_in.payer == Payer("192.0.2.1", signed_in.viewer.account_id)
    assert anonymous.payer == Payer("192.0.2.1", None)


def test_a_request_knows_what_each_of_its_operations_was_priced_at() -> None:
    whole = request(60)
    first, second = whole.for_operation(), whole.for_operation()
    assert list(whole.admissions) == [first.admission, second.admission]
