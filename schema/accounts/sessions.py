"""Mutations of sessions, with their inputs and payloads."""

from typing import Annotated

import strawberry

from resolvers.accounts import sessions
from schema.accounts.sign_in_payload import SignInPayload
from schema.cost.directives import CHANGE
from schema.relay.node import INPUT, RequestInfo


@strawberry.input(description="The input of `refreshSession`.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="The latest refresh token of the session.")


@strawberry.type(description="The result of `refreshSession`.")
class RefreshSessionPayload(SignInPayload):
    pass


@strawberry.type
class SessionMutations:
    @strawberry.mutation(
        description="Exchanges a refresh token for a new access token and a new refresh token. It needs no access "
        "token.",
        directives=[CHANGE],
    )
    async def refresh_session(
        self, info: RequestInfo, input: Annotated[RefreshSessionInput, INPUT]
    ) -> RefreshSessionPayload:
        return await RefreshSessionPayload.of(sessions.refresh(info.context, input.refresh_token))
