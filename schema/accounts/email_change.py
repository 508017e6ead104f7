"""Mutations of changes of address, with their inputs and payloads."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Self

import strawberry

from resolvers.accounts import email_change
from schema.accounts.prices import GUESS, MAIL
from schema.accounts.types import Account
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import NO_API_TOKEN
from services.accounts.types import PendingCode
from services.core.ids import Prefix, encode
from storage.accounts import models


@strawberry.type(description="A change of address that waits for its code.")
class EmailChange:
    id: strawberry.ID = strawberry.field(description="The ID that `confirmEmailChange` needs.")
    expires_at: datetime = strawberry.field(description="When the code expires: after 10 minutes by default.")

    @classmethod
    def of(cls, pending: PendingCode) -> "EmailChange":
        """The GraphQL form of a change."""
        return cls(id=strawberry.ID(encode(Prefix.EMAIL_CHANGE, pending.id)), expires_at=pending.expires_at)


@strawberry.input(description="The input of `requestEmailChange`.")
class RequestEmailChangeInput:
    new_email: str = strawberry.field(
        description="The new e-mail address, which the code is sent to: at most 254 characters."
    )


@strawberry.type(description="The result of `requestEmailChange`.")
class RequestEmailChangePayload:
    email_change: EmailChange | None = strawberry.field(
        description="The change; null if there are errors. It is the same for an address that is taken."
    )
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[PendingCode]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(email_change=EmailChange.of(result) if result else None, user_errors=errors)


@strawberry.input(description="The input of `confirmEmailChange`.")
class ConfirmEmailChangeInput:
    email_change_id: strawberry.ID = strawberry.field(description="The ID of the change.")
    otp: str = strawberry.field(description="The code from the mail, as in `VerifyOtpInput.otp`.")


@strawberry.type(description="The result of `confirmEmailChange`.")
class ConfirmEmailChangePayload:
    account: Account | None = strawberry.field(
        description="The account with its new address; null if there are errors."
    )
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Account]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(account=Account.of(result) if result else None, user_errors=errors)


@strawberry.input(description="The input of `undoEmailChange`.")
class UndoEmailChangeInput:
    token: str = strawberry.field(description="The token of the mail to the old address.")


@strawberry.type(description="The result of `undoEmailChange`.")
class UndoEmailChangePayload:
    email: str | None = strawberry.field(
        description="The address that the account has again; null if there are errors."
    )
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[str]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(email=result, user_errors=errors)


@strawberry.type
class EmailChangeMutations:
    @strawberry.mutation(
        description="Sends a code of 6 digits to a new address for the account. `confirmEmailChange` changes the "
        "address with it. If an account has the address already, the result is the same, and the mail says so. It "
        "needs a recent sign-in or `reauthenticate`.",
        directives=[MAIL, NO_API_TOKEN],
    )
    async def request_email_change(
        self, info: RequestInfo, input: Annotated[RequestEmailChangeInput, INPUT]
    ) -> RequestEmailChangePayload:
        return await RequestEmailChangePayload.of(email_change.request(info.context, input.new_email))

    @strawberry.mutation(
        description="Changes the address of the account with the code from the mail. The old address gets a mail whose "
        "token undoes the change within 7 days, and stays reserved until then. A code allows five attempts.",
        directives=[GUESS, NO_API_TOKEN],
    )
    async def confirm_email_change(
        self, info: RequestInfo, input: Annotated[ConfirmEmailChangeInput, INPUT]
    ) -> ConfirmEmailChangePayload:
        work = email_change.confirm(info.context, change_id=input.email_change_id, otp=input.otp)
        return await ConfirmEmailChangePayload.of(work)

    @strawberry.mutation(
        description="Puts back the address that the token was mailed to, and ends this change and all later ones. It "
        "closes every session, deletes every API token, and makes the password invalid: set a new one with "
        "`requestPasswordReset`. It needs no access token.",
        directives=[GUESS, NO_API_TOKEN],
    )
    async def undo_email_change(
        self, info: RequestInfo, input: Annotated[UndoEmailChangeInput, INPUT]
    ) -> UndoEmailChangePayload:
        return await UndoEmailChangePayload.of(email_change.undo(info.context, input.token))
