"""Mutations of accounts and sessions."""

from typing import Annotated

import strawberry

from resolvers import accounts
from schema.accounts.inputs import LoginInput, RefreshSessionInput, RegisterInput, VerifyOtpInput
from schema.accounts.payloads import LoginPayload, RefreshSessionPayload, RegisterPayload, VerifyOtpPayload
from schema.cost.directives import CHANGE, Cost
from schema.relay.node import INPUT, RequestInfo

#: Hashing a password with argon2 is slow on purpose: it takes 64 MiB of memory and all cores.
PASSWORD = Cost(weight="50")
#: A password is hashed and a mail is sent, perhaps to a person who has not requested it.
PASSWORD_AND_MAIL = Cost(weight="100")
#: The price makes guessing a code expensive, in addition to the limit of five attempts.
GUESS = Cost(weight="20")


@strawberry.type
class AccountMutations:
    @strawberry.mutation(
        description="Starts a registration, and sends a code of 6 digits to the e-mail address. `verifyOtp` creates "
        "the account with this code. If the address has an account already, the result is the same, and the mail "
        "says so.",
        directives=[PASSWORD_AND_MAIL],
    )
    async def register(self, info: RequestInfo, input: Annotated[RegisterInput, INPUT]) -> RegisterPayload:
        work = accounts.register(
            info.context, user_id=input.user_id, user_name=input.user_name, email=input.email, password=input.password
        )
        return await RegisterPayload.of(work)

    @strawberry.mutation(
        description="Creates the account with the code from the mail, and signs in. A code allows five attempts.",
        directives=[GUESS],
    )
    async def verify_otp(self, info: RequestInfo, input: Annotated[VerifyOtpInput, INPUT]) -> VerifyOtpPayload:
        return await VerifyOtpPayload.of(accounts.verify_otp(info.context, email=input.email, otp=input.otp))

    @strawberry.mutation(
        description="Signs in with a user ID and a password, and opens a session.", directives=[PASSWORD]
    )
    async def login(self, info: RequestInfo, input: Annotated[LoginInput, INPUT]) -> LoginPayload:
        return await LoginPayload.of(accounts.login(info.context, user_id=input.user_id, password=input.password))

    @strawberry.mutation(
        description="Exchanges a refresh token for a new access token and a new refresh token. It needs no access "
        "token.",
        directives=[CHANGE],
    )
    async def refresh_session(
        self, info: RequestInfo, input: Annotated[RefreshSessionInput, INPUT]
    ) -> RefreshSessionPayload:
        return await RefreshSessionPayload.of(accounts.refresh_session(info.context, input.refresh_token))
