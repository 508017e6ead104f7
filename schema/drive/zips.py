"""Zip files of folders and files."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Self

import strawberry

from resolvers.drive import zips
from resolvers.drive.items import MAX_ITEMS
from schema.cost.directives import Cost
from schema.drive.types import SignedUrl
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, Node, RequestInfo
from schema.scalars import ByteSize
from schema.scopes.directives import READ
from services.core.ids import Prefix, encode
from storage.drive import models

#: The server reads up to ten thousand rows of items, and lays out as many entries: about half a second.
TREE = Cost(weight="100")


@strawberry.type(
    description="A zip file of folders and files as they were when it was created. The server makes it while it is "
    "downloaded.",
    directives=[READ],
)
class Zip(Node):
    row: strawberry.Private[models.Zip]
    name: str = strawberry.field(description="The name of the zip file.")
    size: ByteSize = strawberry.field(description="The exact size of the zip file, in bytes.")
    created_at: datetime = strawberry.field(description="When the zip file was created.")

    @strawberry.field(description="The signed URL of the bytes, which works until the zip file expires.")
    def download(self, info: RequestInfo) -> SignedUrl | None:
        return SignedUrl(url=zips.url(info.context, self.row), expires_at=self.row.expires_at)

    @classmethod
    def of(cls, row: models.Zip) -> "Zip":
        """The GraphQL form of a row."""
        return cls(
            row=row,
            id=strawberry.ID(encode(Prefix.ZIP, row.id)),
            name=row.name,
            size=ByteSize(row.size),
            created_at=row.created_at,
        )


@strawberry.input(description="The input of `createZip`.")
class CreateZipInput:
    item_ids: list[strawberry.ID] = strawberry.field(
        description=f"The IDs of 1 to {MAX_ITEMS} folders and files. A folder stands for everything in it that is "
        "not in the trash. An item inside another one of them is in the zip file once."
    )
    name: str | None = strawberry.field(
        default=None,
        description="The name of the zip file; `.zip` is added if it is missing. The default is the name of the item, "
        "or `files.zip` for several.",
    )


@strawberry.type(description="The result of `createZip`.")
class CreateZipPayload:
    zip: Zip | None = strawberry.field(description="The zip file; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Zip]) -> Self:
        """Await the work, and return its result or its errors."""
        row, errors = await to_payload(work)
        return cls(zip=Zip.of(row) if row else None, user_errors=errors)


@strawberry.type
class ZipMutations:
    @strawberry.mutation(
        description="Creates a zip file of folders and files, to download them together. Its content is fixed: later "
        "changes of the items do not change it, and a download can be resumed with `Range`. It is kept until its URL "
        "expires; an account has at most 40, and a new one replaces the oldest one. Fails with ZIP_TOO_LARGE for more "
        "than 10,000 folders and files, unless the operator has set another limit. The error CHECKSUMS_PENDING means "
        "that the server still computes checksums of files from an older version: try again after "
        "`extensions.retryAfter` seconds.",
        directives=[TREE, READ],
    )
    async def create_zip(self, info: RequestInfo, input: Annotated[CreateZipInput, INPUT]) -> CreateZipPayload:
        return await CreateZipPayload.of(zips.create(info.context, input.item_ids, input.name))
