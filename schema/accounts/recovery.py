"""Mutations of forgotten and changed passwords, with their inputs and payloads."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Self

import strawberry

from resolvers.accounts import recovery
from schema.accounts.prices import GUESS_AND_PASSWORD, MAIL, TWO_PASSWORDS
from schema.accounts.types import Account
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import NO_API_TOKEN
from services.accounts.types import PendingCode
from services.core.ids import Prefix, encode
from storage.accounts import models

NEW_PASSWORD = "The new password, with the rules of `RegisterInput.password`."  # noqa: S105 - a description


@strawberry.type(description="A reset of a forgotten password that waits for its code.")
class PasswordReset:
    id: strawberry.ID = strawberry.field(description="The ID that `resetPassword` needs.")
    expires_at: datetime = strawberry.field(description="When the code expires: after 10 minutes by default.")

    @classmethod
    def of(cls, pending: PendingCode) -> "PasswordReset":
        """The GraphQL form of a reset."""
        return cls(id=strawberry.ID(encode(Prefix.PASSWORD_RESET, pending.id)), expires_at=pending.expires_at)


@strawberry.input(description="The input of `requestPasswordReset`.")
class RequestPasswordResetInput:
    email: str = strawberry.field(description="The e-mail address of the account.")


@strawberry.type(description="The result of `requestPasswordReset`.")
class RequestPasswordResetPayload:
    reset: PasswordReset | None = strawberry.field(
        description="The reset; null if there are errors. It is the same for an address without an account."
    )
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[PendingCode]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(reset=PasswordReset.of(result) if result else None, user_errors=errors)


@strawberry.input(description="The input of `resetPassword`.")
class ResetPasswordInput:
    reset_id: strawberry.ID = strawberry.field(description="The ID of the reset.")
    otp: str = strawberry.field(description="The code from the mail, as in `VerifyOtpInput.otp`.")
    new_password: str = strawberry.field(description=NEW_PASSWORD)


@strawberry.type(description="The result of `resetPassword`.")
class ResetPasswordPayload:
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[None]) -> Self:
        """Await the work, and return its errors."""
        _, errors = await to_payload(work)
        return cls(user_errors=errors)


@strawberry.input(description="The input of `changePassword`.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The present password.")
    new_password: str = strawberry.field(description=NEW_PASSWORD)


@strawberry.type(description="The result of `changePassword`.")
class ChangePasswordPayload:
    account: Account | None = strawberry.field(description="The account; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Account]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(account=Account.of(result) if result else None, user_errors=errors)


@strawberry.type
class RecoveryMutations:
    @strawberry.mutation(
        description="Sends a code of 6 digits to the address of an account whose password was forgotten. "
        "`resetPassword` sets a new one with it. The result is the same for an address without an account, which gets "
        "no mail.",
        directives=[MAIL, NO_API_TOKEN],
    )
    async def request_password_reset(
        self, info: RequestInfo, input: Annotated[RequestPasswordResetInput, INPUT]
    ) -> RequestPasswordResetPayload:
        return await RequestPasswordResetPayload.of(recovery.request(info.context, input.email))

    @strawberry.mutation(
        description="Sets a new password with the code from the mail, closes every session and deletes every API token "
        "of the account. It does not sign in. A code allows five attempts.",
        directives=[GUESS_AND_PASSWORD, NO_API_TOKEN],
    )
    async def reset_password(
        self, info: RequestInfo, input: Annotated[ResetPasswordInput, INPUT]
    ) -> ResetPasswordPayload:
        work = recovery.reset(info.context, reset_id=input.reset_id, otp=input.otp, new_password=input.new_password)
        return await ResetPasswordPayload.of(work)

    @strawberry.mutation(
        description="Replaces the password of the viewer, and closes all other sessions. This session and API tokens "
        "stay.",
        directives=[TWO_PASSWORDS, NO_API_TOKEN],
    )
    async def change_password(
        self, info: RequestInfo, input: Annotated[ChangePasswordInput, INPUT]
    ) -> ChangePasswordPayload:
        work = recovery.change(info.context, current_password=input.current_password, new_password=input.new_password)
        return await ChangePasswordPayload.of(work)
