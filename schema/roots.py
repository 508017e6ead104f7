"""The root types Query, Mutation and Subscription, each merged from a class of every domain."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry
from strawberry.tools import merge_types

from resolvers import drive, uploads
from resolvers.accounts import accounts, sessions
from resolvers.context import Context
from schema.accounts.queries import AccountQueries
from schema.accounts.reauthentication import ReauthenticationMutations
from schema.accounts.registration import RegistrationMutations
from schema.accounts.sessions import SessionMutations
from schema.accounts.sign_in import SignInMutations
from schema.accounts.types import Account, Session
from schema.budgets.queries import BudgetQueries
from schema.cost.directives import Cost
from schema.drive.queries import DriveQueries
from schema.drive.types import File, Rendition
from schema.relay.node import Node, RequestInfo
from schema.server import ServerQueries
from schema.uploads.mutations import UploadMutations
from schema.uploads.queries import UploadQueries
from schema.uploads.subscriptions import UploadSubscriptions
from schema.uploads.types import Upload
from services.core.ids import Prefix, prefix_of

NODE_ID = strawberry.argument(description="The ID of any object that implements `Node`.")


async def _account(context: Context, account_id: str) -> Node | None:
    key = accounts.find_account(context, account_id)
    return Account.of_key(key) if key else None


async def _session(context: Context, session_id: str) -> Node | None:
    row = await sessions.find_session(context, session_id)
    return Session.of(row, current=sessions.is_current(context, row)) if row else None


async def _upload(context: Context, upload_id: str) -> Node | None:
    row = await uploads.find_upload(context, upload_id)
    return Upload.of(row) if row else None


async def _file(context: Context, file_id: str) -> Node | None:
    row = await drive.find_file(context, file_id)
    return File.of(row) if row else None


async def _rendition(context: Context, rendition_id: str) -> Node | None:
    row = await drive.find_rendition(context, rendition_id)
    return Rendition.of(row) if row else None


#: An ID's prefix names its type, so that only one table has to be read.
NODES: dict[Prefix, Callable[[Context, str], Awaitable[Node | None]]] = {
    Prefix.ACCOUNT: _account,
    Prefix.FILE: _file,
    Prefix.RENDITION: _rendition,
    Prefix.SESSION: _session,
    Prefix.UPLOAD: _upload,
}


@strawberry.type
class NodeQueries:
    @strawberry.field(description="The viewer's object with this ID; null if there is none.")
    async def node(self, info: RequestInfo, id: Annotated[strawberry.ID, NODE_ID]) -> Node | None:
        prefix = prefix_of(id)
        # An ID with any other prefix is looked up as well, so that the response is that for an unknown ID.
        find = NODES.get(prefix, _upload) if prefix else _upload
        return await find(info.context, id)


QUERIES = (AccountQueries, UploadQueries, DriveQueries, NodeQueries, BudgetQueries, ServerQueries)
MUTATIONS = (RegistrationMutations, SignInMutations, SessionMutations, ReauthenticationMutations, UploadMutations)
SUBSCRIPTIONS = (UploadSubscriptions,)
DESCRIPTIONS = {
    "Query": "The data that clients can read.",
    "Mutation": "The changes that clients can make. Several mutations in one operation run one after another.",
    "Subscription": "The events that clients can subscribe to.",
}


def root(name: str, parts: tuple[type, ...]) -> type:
    """A root type with the fields of all parts. The type itself costs nothing."""
    return strawberry.type(merge_types(name, parts), description=DESCRIPTIONS[name], directives=[Cost(weight="0")])
