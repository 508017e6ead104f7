"""Who is asking."""

from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest

from resolvers.context import Context
from services.clock import now
from services.container import Services
from services.errors import Unauthenticated
from services.tokens import Viewer

#: Nothing here asks a service.
NO_SERVICES = cast(Services, object())


def context(seconds: int | None) -> Context:
    """The context of somebody whose token expires in so many seconds, or of nobody."""
    if seconds is None:
        return Context(NO_SERVICES)
    return Context(NO_SERVICES, Viewer(uuid4(), uuid4(), now() + timedelta(seconds=seconds)))


def test_somebody_who_is_signed_in_is_the_viewer() -> None:
    found = context(60)
    assert found.viewer is found.authenticated


@pytest.mark.parametrize(("seconds", "why"), [(None, "Sign in first"), (-1, "has expired")])
def test_nobody_and_somebody_whose_token_expired_are_no_viewers(seconds: int | None, why: str) -> None:
    with pytest.raises(Unauthenticated, match=why):
        _ = context(seconds).viewer


def test_what_is_loaded_is_never_shared_between_contexts() -> None:
    assert context(60).loaders is not context(60).loaders
