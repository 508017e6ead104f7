"""The payload of every mutation that opens a session."""

from collections.abc import Awaitable
from typing import Any, Self

import strawberry

from schema.accounts.types import SignIn
from schema.execution.errors import UserError, to_payload, user_errors
from services.accounts.types import OpenSession


def cookies_input() -> Any:
    """The field ``cookies`` of the input of every mutation that signs in."""
    return strawberry.field(
        default=False,
        description="Whether a web page of the server's own origin keeps the session in a cookie, which its scripts "
        "cannot read. `SignIn` then has no tokens. Only a POST without an Authorization header can set the cookie.",
    )


@strawberry.type
class SignInPayload:
    session: SignIn | None = strawberry.field(description="The session and its tokens; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[OpenSession]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(session=SignIn.of(result) if result else None, user_errors=errors)
