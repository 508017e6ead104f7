"""What can be read."""

from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from resolvers import drive, pages, uploads
from schema.accounts.types import Account
from schema.budgets.operation_cost import OperationCost
from schema.budgets.rate_limit import FREE, RateLimit
from schema.cost.directives import Cost, paged
from schema.drive.types import File
from schema.execution.admission import INVALID
from schema.relay.connections import Connection, connect
from schema.relay.node import Node, RequestInfo
from schema.uploads.types import Upload
from storage.uploads.models import UploadStatus

PageSize = Annotated[int | None, strawberry.argument(description="1 to 100.")]


@strawberry.type(directives=[Cost(weight="0")])
class Query:
    @strawberry.field(description="Who is signed in; null when nobody is.")
    def me(self, info: RequestInfo) -> Account | None:
        if info.context.authenticated is None:
            return None
        return Account(key=info.context.viewer.account_id, row=None)

    @strawberry.field(description="One of my uploads.")
    async def upload(self, info: RequestInfo, id: strawberry.ID) -> Upload | None:  # noqa: A002
        row = await uploads.find_upload(info.context, id)
        return Upload.of(row) if row else None

    @strawberry.field(description="My uploads, newest first.", directives=[paged()])
    async def uploads(
        self,
        info: RequestInfo,
        status: UploadStatus | None = None,
        first: PageSize = pages.PAGE,
        after: str | None = None,
    ) -> Connection[Upload]:
        page = await pages.uploads_page(info.context, status, first, after)
        return connect(page, Upload.of, lambda row: str(row.id))

    @strawberry.field(description="One of my files.")
    async def file(self, info: RequestInfo, id: strawberry.ID) -> File | None:  # noqa: A002
        row = await drive.find_file(info.context, id)
        return File.of(row) if row else None

    @strawberry.field(description="My files, newest first.", directives=[paged()])
    async def files(
        self, info: RequestInfo, first: PageSize = pages.PAGE, after: str | None = None
    ) -> Connection[File]:
        page = await pages.files_page(info.context, first, after)
        return connect(page, File.of, lambda row: str(row.id))

    # Looked for in one table, then in the other.
    @strawberry.field(description="Anything of mine by its ID.", directives=[Cost(weight="2")])
    async def node(self, info: RequestInfo, id: strawberry.ID) -> Node | None:  # noqa: A002
        if upload := await uploads.find_upload(info.context, id):
            return Upload.of(upload)
        file = await drive.find_file(info.context, id)
        return File.of(file) if file else None

    @strawberry.field(
        description="What I may still ask for; null where nothing is limited. Asking for it alone costs nothing.",
        directives=[FREE],
    )
    def rate_limit(self, info: RequestInfo) -> RateLimit | None:
        return RateLimit.of(info.context.admission)

    @strawberry.field(
        description="What an operation would cost, field by field, without running it. To be asked for once at a time.",
        # It is read and analysed like one that is to be run.
        directives=[Cost(weight=str(INVALID))],
    )
    def operation_cost(
        self, info: RequestInfo, query: str, variables: JSON | None = None, operation_name: str | None = None
    ) -> OperationCost:
        info.context.analyse_once()
        return OperationCost.of(info.schema, query, variables or {}, operation_name)
