"""Mutations that sign in, with their inputs and payloads."""

from typing import Annotated

import strawberry

from resolvers.accounts import sign_in
from schema.accounts.prices import PASSWORD
from schema.accounts.sign_in_payload import SignInPayload
from schema.relay.node import INPUT, RequestInfo


@strawberry.input(description="The input of `login`.")
class LoginInput:
    user_id: str = strawberry.field(description="The user ID of the account.")
    password: str = strawberry.field(description="The password of the account.")


@strawberry.type(description="The result of `login`.")
class LoginPayload(SignInPayload):
    pass


@strawberry.type
class SignInMutations:
    @strawberry.mutation(
        description="Signs in with a user ID and a password, and opens a session.", directives=[PASSWORD]
    )
    async def login(self, info: RequestInfo, input: Annotated[LoginInput, INPUT]) -> LoginPayload:
        return await LoginPayload.of(sign_in.login(info.context, user_id=input.user_id, password=input.password))
