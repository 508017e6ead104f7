"""Payloads of mutations of folders and files."""

from collections.abc import Awaitable
from typing import Self

import strawberry

from schema.drive.items import DriveItem, Folder
from schema.execution.errors import UserError, to_payload, user_errors
from storage.drive import models


@strawberry.type(description="The result of `createFolder`.")
class CreateFolderPayload:
    folder: Folder | None = strawberry.field(description="The folder; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Item]) -> Self:
        """Await the work, and return its result or its errors."""
        row, errors = await to_payload(work)
        return cls(folder=Folder.of(row) if row else None, user_errors=errors)


@strawberry.type
class _ItemPayload:
    item: DriveItem | None = strawberry.field(description="The item as it is now; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Item]) -> Self:
        """Await the work, and return its result or its errors."""
        row, errors = await to_payload(work)
        return cls(item=DriveItem.of(row) if row else None, user_errors=errors)


@strawberry.type
class _ItemsPayload:
    items: list[DriveItem] = strawberry.field(
        description="The items as they are now, in the order of `itemIds`, each once; empty if there are errors."
    )
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[list[models.Item]]) -> Self:
        """Await the work, and return its result or its errors."""
        rows, errors = await to_payload(work)
        return cls(items=[DriveItem.of(row) for row in rows or ()], user_errors=errors)


@strawberry.type(description="The result of `renameItem`.")
class RenameItemPayload(_ItemPayload):
    pass


@strawberry.type(description="The result of `starItem`.")
class StarItemPayload(_ItemPayload):
    pass


@strawberry.type(description="The result of `moveItems`.")
class MoveItemsPayload(_ItemsPayload):
    pass


@strawberry.type(description="The result of `copyItems`. Its items are the copies.")
class CopyItemsPayload(_ItemsPayload):
    pass


@strawberry.type(description="The result of `trashItems`.")
class TrashItemsPayload(_ItemsPayload):
    pass


@strawberry.type(description="The result of `restoreItems`.")
class RestoreItemsPayload(_ItemsPayload):
    pass
