"""Mutations of sessions, with their inputs and payloads."""

from collections.abc import Awaitable
from typing import Annotated, Self

import strawberry

from resolvers.accounts import sessions
from schema.accounts.sign_in_payload import SignInPayload
from schema.cost.directives import CHANGE
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import NO_API_TOKEN


@strawberry.input(description="The input of `refreshSession`.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="The latest refresh token of the session.")


@strawberry.type(description="The result of `refreshSession`.")
class RefreshSessionPayload(SignInPayload):
    pass


@strawberry.input(description="The input of `logout`.")
class LogoutInput:
    refresh_token: str | None = strawberry.field(
        default=None,
        description="A refresh token of the session to close. It needs no access token, so that a client whose access "
        "token has expired can sign out. Without it, the session of the request is closed.",
    )


@strawberry.type(description="The result of `logout`.")
class LogoutPayload:
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="The input of `revokeSession`.")
class RevokeSessionInput:
    session_id: strawberry.ID = strawberry.field(description="The ID of one of the viewer's sessions.")


@strawberry.type(description="The result of `revokeSession`.")
class RevokeSessionPayload:
    session_id: strawberry.ID | None = strawberry.field(
        description="The ID of the session that was closed; null if there are errors."
    )
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[str]) -> Self:
        """Await the work, and return its result or its errors."""
        session_id, errors = await to_payload(work)
        return cls(session_id=strawberry.ID(session_id) if session_id else None, user_errors=errors)


@strawberry.type(description="The result of `revokeOtherSessions`.")
class RevokeOtherSessionsPayload:
    closed_sessions: int | None = strawberry.field(
        description="The number of sessions that were closed; null if there are errors."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.type
class SessionMutations:
    @strawberry.mutation(
        description="Exchanges a refresh token for a new access token and a new refresh token. It needs no access "
        "token.",
        directives=[CHANGE, NO_API_TOKEN],
    )
    async def refresh_session(
        self, info: RequestInfo, input: Annotated[RefreshSessionInput, INPUT]
    ) -> RefreshSessionPayload:
        return await RefreshSessionPayload.of(sessions.refresh(info.context, input.refresh_token))

    @strawberry.mutation(
        description="Signs out: closes the session of the request, or that of `refreshToken`. Every process of the "
        "server refuses its tokens within five seconds, also on event streams and WebSockets.",
        directives=[CHANGE, NO_API_TOKEN],
    )
    async def logout(self, info: RequestInfo, input: Annotated[LogoutInput | None, INPUT] = None) -> LogoutPayload:
        work = sessions.logout(info.context, input.refresh_token if input else None)
        _, errors = await to_payload(work)
        return LogoutPayload(user_errors=errors)

    @strawberry.mutation(
        description="Closes one of the viewer's sessions, as `logout` does. For any session but that of the request, "
        "the last sign-in must be recent: see `reauthenticate`.",
        directives=[CHANGE, NO_API_TOKEN],
    )
    async def revoke_session(
        self, info: RequestInfo, input: Annotated[RevokeSessionInput, INPUT]
    ) -> RevokeSessionPayload:
        return await RevokeSessionPayload.of(sessions.revoke_session(info.context, input.session_id))

    @strawberry.mutation(
        description="Closes every session of the viewer but that of the request, as `logout` does. The last sign-in "
        "must be recent: see `reauthenticate`.",
        directives=[CHANGE, NO_API_TOKEN],
    )
    async def revoke_other_sessions(self, info: RequestInfo) -> RevokeOtherSessionsPayload:
        number, errors = await to_payload(sessions.revoke_other_sessions(info.context))
        return RevokeOtherSessionsPayload(closed_sessions=number, user_errors=errors)
