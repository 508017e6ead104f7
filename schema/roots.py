"""The three roots, merged from the parts of every domain."""

import strawberry
from strawberry.tools import merge_types

from resolvers import drive, uploads
from schema.accounts.mutations import AccountMutations
from schema.accounts.queries import AccountQueries
from schema.budgets.queries import BudgetQueries
from schema.cost.directives import Cost
from schema.drive.queries import DriveQueries
from schema.drive.types import File
from schema.relay.node import Node, RequestInfo
from schema.uploads.mutations import UploadMutations
from schema.uploads.queries import UploadQueries
from schema.uploads.subscriptions import UploadSubscriptions
from schema.uploads.types import Upload


@strawberry.type
class NodeQueries:
    # Looked for in one table, then in the other.
    @strawberry.field(description="Anything of mine by its ID.", directives=[Cost(weight="2")])
    async def node(self, info: RequestInfo, id: strawberry.ID) -> Node | None:  # noqa: A002
        if upload := await uploads.find_upload(info.context, id):
            return Upload.of(upload)
        file = await drive.find_file(info.context, id)
        return File.of(file) if file else None


QUERIES = (AccountQueries, UploadQueries, DriveQueries, NodeQueries, BudgetQueries)
MUTATIONS = (AccountMutations, UploadMutations)
SUBSCRIPTIONS = (UploadSubscriptions,)


def root(name: str, parts: tuple[type, ...]) -> type:
    """The root type of all parts. It costs nothing by itself."""
    return strawberry.type(merge_types(name, parts), directives=[Cost(weight="0")])
