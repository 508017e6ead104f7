"""The mutation ``reauthenticate``, with its input and payload."""

from datetime import datetime
from typing import Annotated

import strawberry

from resolvers.accounts import sessions
from schema.accounts.prices import PASSWORD
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import NO_API_TOKEN


@strawberry.input(description="The input of `reauthenticate`.")
class ReauthenticateInput:
    password: str = strawberry.field(description="The password of the viewer's account.")


@strawberry.type(description="The result of `reauthenticate`.")
class ReauthenticatePayload:
    expires_at: datetime | None = strawberry.field(
        description="Until when the session can change credentials: for ten minutes; null if there are errors."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.type
class ReauthenticationMutations:
    @strawberry.mutation(
        description="Shows that the viewer still knows the password. Mutations that change credentials, or close other "
        "sessions, need this unless the sign-in was less than ten minutes ago. Otherwise they are refused with "
        "REAUTHENTICATION_REQUIRED.",
        directives=[PASSWORD, NO_API_TOKEN],
    )
    async def reauthenticate(
        self, info: RequestInfo, input: Annotated[ReauthenticateInput, INPUT]
    ) -> ReauthenticatePayload:
        expires_at, errors = await to_payload(sessions.reauthenticate(info.context, input.password))
        return ReauthenticatePayload(expires_at=expires_at, user_errors=errors)
