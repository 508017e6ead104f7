"""Mutations of accounts and sessions."""

import strawberry

from resolvers import accounts
from schema.accounts.types import LoginInput, RegisterInput, RegisterPayload, SessionPayload, VerifyOtpInput
from schema.cost.directives import CHANGE, Cost
from schema.relay.node import RequestInfo

#: argon2 takes 64 MiB and as long as it does on purpose, on all cores.
PASSWORD = Cost(weight="50")
#: The same, and a mail, which goes to somebody who may not have asked for it.
PASSWORD_AND_MAIL = Cost(weight="100")
#: A code can be guessed at: the price of a guess protects it beside the five attempts.
GUESS = Cost(weight="20")


@strawberry.type
class AccountMutations:
    @strawberry.mutation(
        description="Begin an account: a six-digit code goes to the address.", directives=[PASSWORD_AND_MAIL]
    )
    async def register(self, info: RequestInfo, input: RegisterInput) -> RegisterPayload:  # noqa: A002
        work = accounts.register(
            info.context, user_id=input.user_id, user_name=input.user_name, email=input.email, password=input.password
        )
        return await RegisterPayload.to_payload(work)

    @strawberry.mutation(description="Create the account with the code from the mail, and sign in.", directives=[GUESS])
    async def verify_otp(self, info: RequestInfo, input: VerifyOtpInput) -> SessionPayload:  # noqa: A002
        return await SessionPayload.to_payload(accounts.verify_otp(info.context, email=input.email, otp=input.otp))

    @strawberry.mutation(description="Sign in.", directives=[PASSWORD])
    async def login(self, info: RequestInfo, input: LoginInput) -> SessionPayload:  # noqa: A002
        work = accounts.login(info.context, user_id=input.user_id, password=input.password)
        return await SessionPayload.to_payload(work)

    @strawberry.mutation(description="Swap a refresh token for a new pair of tokens.", directives=[CHANGE])
    async def refresh_session(self, info: RequestInfo, refresh_token: str) -> SessionPayload:
        return await SessionPayload.to_payload(accounts.refresh_session(info.context, refresh_token))
