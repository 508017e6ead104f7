"""Payloads of mutations of accounts and sessions."""

from collections.abc import Awaitable
from typing import Self

import strawberry

from schema.accounts.types import Registration, SignIn
from schema.execution.errors import UserError, to_payload, user_errors
from services.accounts.types import OpenSession
from services.accounts.types import Registration as PendingRegistration


@strawberry.type(description="The result of `register`.")
class RegisterPayload:
    registration: Registration | None = strawberry.field(description="The registration; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[PendingRegistration]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        registration = Registration(email=result.email, expires_at=result.expires_at) if result else None
        return cls(registration=registration, user_errors=errors)


@strawberry.type
class _SignInPayload:
    session: SignIn | None = strawberry.field(description="The session and its tokens; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[OpenSession]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(session=SignIn.of(result) if result else None, user_errors=errors)


@strawberry.type(description="The result of `verifyOtp`.")
class VerifyOtpPayload(_SignInPayload):
    pass


@strawberry.type(description="The result of `login`.")
class LoginPayload(_SignInPayload):
    pass


@strawberry.type(description="The result of `refreshSession`.")
class RefreshSessionPayload(_SignInPayload):
    pass
