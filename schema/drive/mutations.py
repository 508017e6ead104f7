"""Mutations of folders and files."""

from typing import Annotated

import strawberry

from resolvers.drive import item_changes
from resolvers.drive.items import MAX_ITEMS
from schema.cost.directives import CHANGE, Cost, ListSize, sized_by
from schema.drive.inputs import (
    CopyItemsInput,
    CreateFolderInput,
    MoveItemsInput,
    RenameItemInput,
    RestoreItemsInput,
    StarItemInput,
    TrashItemsInput,
    policy_of,
)
from schema.drive.payloads import (
    CopyItemsPayload,
    CreateFolderPayload,
    MoveItemsPayload,
    RenameItemPayload,
    RestoreItemsPayload,
    StarItemPayload,
    TrashItemsPayload,
)
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import DELETE, WRITE

#: Up to a hundred items are changed one by one in a transaction: a few tenths of a second.
CHANGES = Cost(weight="100")
#: Up to 5,000 items are copied in a transaction: about a second.
COPY = Cost(weight="500")


def _listed() -> ListSize:
    """The size of ``items``: at most one for each of ``itemIds``."""
    return sized_by("input.itemIds", "items", maximum=MAX_ITEMS)


@strawberry.type
class DriveMutations:
    @strawberry.mutation(description="Creates a folder.", directives=[CHANGE, WRITE])
    async def create_folder(self, info: RequestInfo, input: Annotated[CreateFolderInput, INPUT]) -> CreateFolderPayload:
        work = item_changes.create_folder(info.context, input.parent_id, input.name, policy_of(input.conflict))
        return await CreateFolderPayload.of(work)

    @strawberry.mutation(
        description="Renames a folder or file. With REPLACE, a file that becomes a version of another one no longer "
        "exists by itself, and `item` is the other one.",
        directives=[CHANGE, WRITE],
    )
    async def rename_item(self, info: RequestInfo, input: Annotated[RenameItemInput, INPUT]) -> RenameItemPayload:
        work = item_changes.rename(info.context, input.item_id, input.name, policy_of(input.conflict))
        return await RenameItemPayload.of(work)

    @strawberry.mutation(
        description="Moves folders and files into a folder: all of them, or none if there are errors. With REPLACE, a "
        "file that becomes a version of another one no longer exists by itself, and the item is the other one.",
        directives=[CHANGES, _listed(), WRITE],
    )
    async def move_items(self, info: RequestInfo, input: Annotated[MoveItemsInput, INPUT]) -> MoveItemsPayload:
        work = item_changes.move(info.context, input.item_ids, input.parent_id, policy_of(input.conflict))
        return await MoveItemsPayload.of(work)

    @strawberry.mutation(
        description="Copies folders and files into a folder, with up to 5,000 items in all: all of them, or none if "
        "there are errors. What is in the trash is not copied, and files are copied with their current version alone. "
        "Copies share their bytes, so they take nothing from the quota.",
        directives=[COPY, _listed(), WRITE],
    )
    async def copy_items(self, info: RequestInfo, input: Annotated[CopyItemsInput, INPUT]) -> CopyItemsPayload:
        work = item_changes.copy(info.context, input.item_ids, input.parent_id, policy_of(input.conflict))
        return await CopyItemsPayload.of(work)

    @strawberry.mutation(description="Marks a folder or file with a star, or unmarks it.", directives=[CHANGE, WRITE])
    async def star_item(self, info: RequestInfo, input: Annotated[StarItemInput, INPUT]) -> StarItemPayload:
        return await StarItemPayload.of(item_changes.star(info.context, input.item_id, starred=input.starred))

    @strawberry.mutation(
        description="Moves folders and files to the trash, with everything in them. It can be repeated.",
        directives=[CHANGES, _listed(), DELETE],
    )
    async def trash_items(self, info: RequestInfo, input: Annotated[TrashItemsInput, INPUT]) -> TrashItemsPayload:
        return await TrashItemsPayload.of(item_changes.trash(info.context, input.item_ids))

    @strawberry.mutation(
        description="Restores folders and files from the trash: into their folder, or into the root if that is in the "
        "trash itself. A name that is taken there gets a number. It can be repeated.",
        directives=[CHANGES, _listed(), WRITE],
    )
    async def restore_items(self, info: RequestInfo, input: Annotated[RestoreItemsInput, INPUT]) -> RestoreItemsPayload:
        return await RestoreItemsPayload.of(item_changes.restore(info.context, input.item_ids))
