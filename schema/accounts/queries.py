"""Queries of accounts."""

import strawberry

from resolvers.accounts import accounts
from schema.accounts.types import Account
from schema.relay.node import RequestInfo
from schema.scopes.directives import ANY_API_TOKEN


@strawberry.type
class AccountQueries:
    @strawberry.field(
        description="The viewer's account; null without a token and a cookie. One that is not valid, or has expired, "
        "is the error UNAUTHENTICATED.",
        directives=[ANY_API_TOKEN],
    )
    def me(self, info: RequestInfo) -> Account | None:
        key = accounts.viewer_account_id(info.context)
        return Account.of_key(key) if key else None
