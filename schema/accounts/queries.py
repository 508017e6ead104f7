"""Queries of accounts."""

import strawberry

from resolvers import accounts
from schema.accounts.types import Account
from schema.relay.node import RequestInfo


@strawberry.type
class AccountQueries:
    @strawberry.field(description="Who is signed in; null when nobody is.")
    def me(self, info: RequestInfo) -> Account | None:
        key = accounts.viewer_account_id(info.context)
        return Account(key=key, row=None) if key else None
