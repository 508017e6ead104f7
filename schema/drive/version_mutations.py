"""Mutations of versions."""

from collections.abc import Awaitable
from typing import Annotated, Self

import strawberry

from resolvers.drive import file_versions
from schema.cost.directives import CHANGE
from schema.drive.items import File
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import DELETE, WRITE
from storage.drive import models

VERSION_ID = "The ID of the version."


@strawberry.input(description="The input of `restoreVersion`.")
class RestoreVersionInput:
    file_id: strawberry.ID = strawberry.field(description="The ID of the file.")
    version_id: strawberry.ID = strawberry.field(description="The ID of one of its versions.")


@strawberry.input(description="The input of `deleteVersion`.")
class DeleteVersionInput:
    version_id: strawberry.ID = strawberry.field(description=VERSION_ID)


@strawberry.type
class _FilePayload:
    file: File | None = strawberry.field(description="The file as it is now; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Item]) -> Self:
        """Await the work, and return its result or its errors."""
        row, errors = await to_payload(work)
        return cls(file=File.of(row) if row else None, user_errors=errors)


@strawberry.type(description="The result of `restoreVersion`.")
class RestoreVersionPayload(_FilePayload):
    pass


@strawberry.type(description="The result of `deleteVersion`.")
class DeleteVersionPayload(_FilePayload):
    pass


@strawberry.type
class VersionMutations:
    @strawberry.mutation(
        description="Makes an earlier version of a file the current one again: the file gets a new version with its "
        "content, and all other versions stay. It does nothing if it is the current version.",
        directives=[CHANGE, WRITE],
    )
    async def restore_version(
        self, info: RequestInfo, input: Annotated[RestoreVersionInput, INPUT]
    ) -> RestoreVersionPayload:
        return await RestoreVersionPayload.of(
            file_versions.restore_version(info.context, input.file_id, input.version_id)
        )

    @strawberry.mutation(
        description="Deletes a version for good, with its renditions. The current version of a file cannot be deleted "
        "alone. The other versions keep their numbers.",
        directives=[CHANGE, DELETE],
    )
    async def delete_version(
        self, info: RequestInfo, input: Annotated[DeleteVersionInput, INPUT]
    ) -> DeleteVersionPayload:
        return await DeleteVersionPayload.of(file_versions.delete_version(info.context, input.version_id))
