"""API tokens: their type, and the mutations that create and revoke them."""

from datetime import datetime
from typing import Annotated

import strawberry

from resolvers.accounts import api_tokens
from schema.cost.directives import CHANGE, at_most
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, Node, RequestInfo
from schema.scopes.directives import ACCOUNT, NO_API_TOKEN, ApiTokenScope
from services.core.ids import Prefix, encode
from storage.accounts import models


@strawberry.type(
    description="A token with which a program acts for an account, without its password. Only `createApiToken` returns "
    "its text.",
    directives=[ACCOUNT],
)
class ApiToken(Node):
    name: str = strawberry.field(description="The name that its owner gave it.")
    scopes: list[ApiTokenScope] = strawberry.field(
        description="What the token may do.", directives=[at_most(len(ApiTokenScope))]
    )
    last_characters: str = strawberry.field(description="The last characters of the token, to recognise it.")
    created_at: datetime = strawberry.field(description="When the token was created.")
    expires_at: datetime | None = strawberry.field(description="When the token expires; null if it does not.")
    last_used_at: datetime | None = strawberry.field(
        description="When the token was last used, to the minute; null if it never was."
    )

    @classmethod
    def of(cls, row: models.ApiToken) -> "ApiToken":
        """The GraphQL form of a row. A scope that a newer version has stored is left out."""
        known = ApiTokenScope.__members__
        return cls(
            id=strawberry.ID(encode(Prefix.API_TOKEN, row.id)),
            name=row.name,
            scopes=[known[name] for name in row.scopes if name in known],
            last_characters=row.last_characters,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
        )


@strawberry.input(description="The input of `createApiToken`.")
class CreateApiTokenInput:
    name: str = strawberry.field(description="A name by which to recognise the token: 1 to 100 characters.")
    scopes: list[ApiTokenScope] = strawberry.field(description="What the token may do: at least one scope.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When the token expires. By default it does not expire."
    )


@strawberry.input(description="The input of `revokeApiToken`.")
class RevokeApiTokenInput:
    api_token_id: strawberry.ID = strawberry.field(description="The ID of the token.")


@strawberry.type(description="The result of `createApiToken`.")
class CreateApiTokenPayload:
    api_token: ApiToken | None = strawberry.field(description="The token; null if there are errors.")
    secret: str | None = strawberry.field(
        description="The text of the token, for `Authorization: Bearer TOKEN`. It is not stored, and cannot be shown "
        "again. Null if there are errors."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="The result of `revokeApiToken`.")
class RevokeApiTokenPayload:
    api_token: ApiToken | None = strawberry.field(
        description="The token, which no longer exists; null if there are errors."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.type
class ApiTokenMutations:
    @strawberry.mutation(
        description="Creates an API token. It needs a session whose password was given recently: see `reauthenticate`.",
        directives=[CHANGE, NO_API_TOKEN],
    )
    async def create_api_token(
        self, info: RequestInfo, input: Annotated[CreateApiTokenInput, INPUT]
    ) -> CreateApiTokenPayload:
        scopes = [scope.to_domain() for scope in input.scopes]
        work = api_tokens.create(info.context, name=input.name, scopes=scopes, expires_at=input.expires_at)
        created, errors = await to_payload(work)
        return CreateApiTokenPayload(
            api_token=ApiToken.of(created.row) if created else None,
            secret=created.secret if created else None,
            user_errors=errors,
        )

    @strawberry.mutation(
        description="Revokes an API token. Requests and open streams with it end within 5 seconds.",
        directives=[CHANGE, NO_API_TOKEN],
    )
    async def revoke_api_token(
        self, info: RequestInfo, input: Annotated[RevokeApiTokenInput, INPUT]
    ) -> RevokeApiTokenPayload:
        row, errors = await to_payload(api_tokens.revoke(info.context, input.api_token_id))
        return RevokeApiTokenPayload(api_token=ApiToken.of(row) if row else None, user_errors=errors)
