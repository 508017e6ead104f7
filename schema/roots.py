"""The three roots, merged from the parts of every domain."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry
from strawberry.tools import merge_types

from resolvers import accounts, drive, uploads
from resolvers.context import Context
from schema.accounts.mutations import AccountMutations
from schema.accounts.queries import AccountQueries
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
    row = await accounts.find_session(context, session_id)
    return Session.of(row, current=accounts.is_current(context, row)) if row else None


async def _upload(context: Context, upload_id: str) -> Node | None:
    row = await uploads.find_upload(context, upload_id)
    return Upload.of(row) if row else None


async def _file(context: Context, file_id: str) -> Node | None:
    row = await drive.find_file(context, file_id)
    return File.of(row) if row else None


async def _rendition(context: Context, rendition_id: str) -> Node | None:
    row = await drive.find_rendition(context, rendition_id)
    return Rendition.of(row) if row else None


#: The prefix of an ID says which type it has, so that one table is read.
NODES: dict[Prefix, Callable[[Context, str], Awaitable[Node | None]]] = {
    Prefix.ACCOUNT: _account,
    Prefix.FILE: _file,
    Prefix.RENDITION: _rendition,
    Prefix.SESSION: _session,
    Prefix.UPLOAD: _upload,
}


@strawberry.type
class NodeQueries:
    @strawberry.field(description="An object of the viewer's; null if there is none with this ID.")
    async def node(self, info: RequestInfo, id: Annotated[strawberry.ID, NODE_ID]) -> Node | None:
        prefix = prefix_of(id)
        # An ID of another type is searched for all the same, so that it is answered like an unknown one.
        find = NODES.get(prefix, _upload) if prefix else _upload
        return await find(info.context, id)


QUERIES = (AccountQueries, UploadQueries, DriveQueries, NodeQueries, BudgetQueries, ServerQueries)
MUTATIONS = (AccountMutations, UploadMutations)
SUBSCRIPTIONS = (UploadSubscriptions,)
DESCRIPTIONS = {
    "Query": "What can be read.",
    "Mutation": "What can be changed. Each mutation is run after the one before it has ended.",
    "Subscription": "What can be watched.",
}


def root(name: str, parts: tuple[type, ...]) -> type:
    """The root type of all parts. It costs nothing by itself."""
    return strawberry.type(merge_types(name, parts), description=DESCRIPTIONS[name], directives=[Cost(weight="0")])
