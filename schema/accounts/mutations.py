"""Mutations of accounts and sessions."""

from typing import Annotated

import strawberry

from resolvers import accounts
from schema.accounts.inputs import LoginInput, RefreshSessionInput, RegisterInput, VerifyOtpInput
from schema.accounts.payloads import LoginPayload, RefreshSessionPayload, RegisterPayload, VerifyOtpPayload
from schema.cost.directives import CHANGE, Cost
from schema.relay.node import INPUT, RequestInfo

#: argon2 takes 64 MiB and as long as it does on purpose, on all cores.
PASSWORD = Cost(weight="50")
#: The same, and a mail, perhaps to a person who did not ask for it.
PASSWORD_AND_MAIL = Cost(weight="100")
#: A code can be guessed: the price of a guess protects it, beside the limit of five attempts.
GUESS = Cost(weight="20")


@strawberry.type
class AccountMutations:
    @strawberry.mutation(
        description="Begin a registration. A code of 6 digits is mailed to the address. The account exists once "
        "`verifyOtp` has confirmed the code.",
        directives=[PASSWORD_AND_MAIL],
    )
    async def register(self, info: RequestInfo, input: Annotated[RegisterInput, INPUT]) -> RegisterPayload:
        work = accounts.register(
            info.context, user_id=input.user_id, user_name=input.user_name, email=input.email, password=input.password
        )
        return await RegisterPayload.of(work)

    @strawberry.mutation(
        description="Create the account with the code from the mail, and sign in. A code allows five attempts.",
        directives=[GUESS],
    )
    async def verify_otp(self, info: RequestInfo, input: Annotated[VerifyOtpInput, INPUT]) -> VerifyOtpPayload:
        return await VerifyOtpPayload.of(accounts.verify_otp(info.context, email=input.email, otp=input.otp))

    @strawberry.mutation(description="Sign in.", directives=[PASSWORD])
    async def login(self, info: RequestInfo, input: Annotated[LoginInput, INPUT]) -> LoginPayload:
        return await LoginPayload.of(accounts.login(info.context, user_id=input.user_id, password=input.password))

    @strawberry.mutation(
        description="Swap a refresh token for a new pair of tokens. It needs no access token.", directives=[CHANGE]
    )
    async def refresh_session(
        self, info: RequestInfo, input: Annotated[RefreshSessionInput, INPUT]
    ) -> RefreshSessionPayload:
        return await RefreshSessionPayload.of(accounts.refresh_session(info.context, input.refresh_token))
