"""The root types Query, Mutation and Subscription, each merged from a class of every domain."""

from collections.abc import Awaitable, Callable
from typing import Annotated, NamedTuple

import strawberry
from strawberry.tools import merge_types

from resolvers import operations, uploads
from resolvers.accounts import accounts, api_tokens, sessions
from resolvers.context import Context
from resolvers.drive import items as drive
from resolvers.drive import zips
from schema.accounts.api_tokens import ApiToken, ApiTokenMutations
from schema.accounts.email_change import EmailChangeMutations
from schema.accounts.profile import ProfileMutations
from schema.accounts.queries import AccountQueries
from schema.accounts.reauthentication import ReauthenticationMutations
from schema.accounts.recovery import RecoveryMutations
from schema.accounts.registration import RegistrationMutations
from schema.accounts.sessions import SessionMutations
from schema.accounts.sign_in import SignInMutations
from schema.accounts.types import Account, Session
from schema.budgets.queries import BudgetQueries
from schema.changes.queries import ChangeQueries
from schema.changes.subscriptions import ActivitySubscriptions
from schema.cost.directives import Cost
from schema.drive.deletion import DeletionMutations
from schema.drive.items import DriveItem, File, FileVersion, Folder
from schema.drive.mutations import DriveMutations
from schema.drive.queries import DriveQueries
from schema.drive.search import SearchQueries
from schema.drive.types import Rendition
from schema.drive.version_mutations import VersionMutations
from schema.drive.zips import Zip, ZipMutations
from schema.relay.node import Node, RequestInfo
from schema.scopes.directives import ANY_API_TOKEN
from schema.scopes.requirements import requirement_of_type
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


async def _api_token(context: Context, token_id: str) -> Node | None:
    row = await api_tokens.find(context, token_id)
    return ApiToken.of(row) if row else None


async def _session(context: Context, session_id: str) -> Node | None:
    row = await sessions.find_session(context, session_id)
    return Session.of(row, current=sessions.is_current(context, row)) if row else None


async def _upload(context: Context, upload_id: str) -> Node | None:
    row = await uploads.find_upload(context, upload_id)
    return Upload.of(row) if row else None


async def _item(context: Context, item_id: str) -> Node | None:
    row = await drive.find_item(context, item_id)
    return DriveItem.of(row) if row else None


async def _version(context: Context, version_id: str) -> Node | None:
    row = await drive.find_version(context, version_id)
    return FileVersion.of(row) if row else None


async def _rendition(context: Context, rendition_id: str) -> Node | None:
    row = await drive.find_rendition(context, rendition_id)
    return Rendition.of(row) if row else None


async def _zip(context: Context, zip_id: str) -> Node | None:
    row = await zips.find(context, zip_id)
    return Zip.of(row) if row else None


class NodeKind(NamedTuple):
    """A type that ``node`` can load, and the function that finds the viewer's object with an ID."""

    type: type[Node]
    find: Callable[[Context, str], Awaitable[Node | None]]


#: An ID's prefix names its type, so that only one table has to be read.
NODES = {
    Prefix.ACCOUNT: NodeKind(Account, _account),
    Prefix.API_TOKEN: NodeKind(ApiToken, _api_token),
    Prefix.FILE: NodeKind(File, _item),
    Prefix.FOLDER: NodeKind(Folder, _item),
    Prefix.RENDITION: NodeKind(Rendition, _rendition),
    Prefix.SESSION: NodeKind(Session, _session),
    Prefix.UPLOAD: NodeKind(Upload, _upload),
    Prefix.VERSION: NodeKind(FileVersion, _version),
    Prefix.ZIP: NodeKind(Zip, _zip),
}


UNKNOWN = NODES[Prefix.UPLOAD]


@strawberry.type
class NodeQueries:
    @strawberry.field(
        description="The viewer's object with this ID; null if there is none. An API token needs the scope of the "
        "object's type.",
        directives=[ANY_API_TOKEN],
    )
    async def node(self, info: RequestInfo, id: Annotated[strawberry.ID, NODE_ID]) -> Node | None:
        prefix = prefix_of(id)
        # An ID with any other prefix is looked up as well, so that the response is that for an unknown ID.
        kind = NODES.get(prefix, UNKNOWN) if prefix else UNKNOWN
        operations.require_scopes(info.context, [(f"`node` for {kind.type.__name__}", requirement_of_type(kind.type))])
        return await kind.find(info.context, id)


QUERIES = (
    AccountQueries,
    UploadQueries,
    DriveQueries,
    SearchQueries,
    ChangeQueries,
    NodeQueries,
    BudgetQueries,
    ServerQueries,
)
MUTATIONS = (
    RegistrationMutations,
    SignInMutations,
    SessionMutations,
    ReauthenticationMutations,
    ApiTokenMutations,
    RecoveryMutations,
    EmailChangeMutations,
    ProfileMutations,
    UploadMutations,
    DeletionMutations,
    VersionMutations,
    DriveMutations,
    ZipMutations,
)
SUBSCRIPTIONS = (UploadSubscriptions, ActivitySubscriptions)
DESCRIPTIONS = {
    "Query": "The data that clients can read.",
    "Mutation": "The changes that clients can make. Several mutations in one operation run one after another.",
    "Subscription": "The events that clients can subscribe to.",
}


def root(name: str, parts: tuple[type, ...]) -> type:
    """A root type with the fields of all parts. The type itself costs nothing."""
    return strawberry.type(merge_types(name, parts), description=DESCRIPTIONS[name], directives=[Cost(weight="0")])
