"""Mutations that sign in, with their inputs and payloads."""

from typing import Annotated

import strawberry

from resolvers.accounts import sign_in
from schema.accounts.prices import PASSWORD
from schema.accounts.sign_in_payload import SignInPayload, cookies_input
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import NO_API_TOKEN


@strawberry.input(description="The input of `login`.")
class LoginInput:
    user_id: str = strawberry.field(description="The user ID or the e-mail address of the account.")
    password: str = strawberry.field(description="The password of the account.")
    device_token: str | None = strawberry.field(
        default=None,
        description="The `deviceToken` of the latest sign-in to this account on this device. With it, the wrong "
        "passwords of others do not delay this sign-in. One that is not valid is ignored.",
    )
    cookies: bool | None = cookies_input()


@strawberry.type(description="The result of `login`.")
class LoginPayload(SignInPayload):
    pass


@strawberry.type
class SignInMutations:
    @strawberry.mutation(
        description="Signs in with a user ID or an e-mail address and a password, and opens a session. After five "
        "wrong passwords, each further one has to wait, first for a second and at last for 15 minutes by default: "
        "TOO_MANY_ATTEMPTS says how long.",
        directives=[PASSWORD, NO_API_TOKEN],
    )
    async def login(self, info: RequestInfo, input: Annotated[LoginInput, INPUT]) -> LoginPayload:
        work = sign_in.login(
            info.context,
            name=input.user_id,
            password=input.password,
            device_token=input.device_token,
            cookies=input.cookies,
        )
        return await LoginPayload.of(work)
