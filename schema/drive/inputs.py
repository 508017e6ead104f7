"""Inputs of mutations of folders and files."""

from enum import Enum

import strawberry

from services.drive import types


@strawberry.enum(description="What to do if the folder already has an item with the name. Case is ignored.")
class ConflictPolicy(Enum):
    FAIL = strawberry.enum_value("FAIL", description="Change nothing, and return ALREADY_EXISTS.")
    KEEP_BOTH = strawberry.enum_value(
        "KEEP_BOTH", description="Add the lowest number that is free to the name: `clip (2).mp4`."
    )
    REPLACE = strawberry.enum_value(
        "REPLACE",
        description="Make a file the newest version of the file that has the name; its content stays as an "
        "earlier version. Anything else is not replaced: ALREADY_EXISTS.",
    )

    def to_domain(self) -> types.ConflictPolicy:
        """The form that the services accept."""
        return types.ConflictPolicy[self.name]


FOLDER = "The ID of the folder; null or left out for the root of the drive."
POLICY = "What to do if the folder already has an item with the name; by default FAIL."
NAME = "1 to 255 bytes of UTF-8, without slashes and control characters."
ITEM_IDS = "The IDs of 1 to 100 folders or files."


def policy_of(conflict: ConflictPolicy | None) -> types.ConflictPolicy:
    """The policy; FAIL if the client names none."""
    return conflict.to_domain() if conflict else types.ConflictPolicy.FAIL


@strawberry.input(description="The input of `createFolder`.")
class CreateFolderInput:
    parent_id: strawberry.ID | None = strawberry.field(default=None, description=FOLDER)
    name: str = strawberry.field(description=f"The name: {NAME}")
    conflict: ConflictPolicy | None = strawberry.field(
        default=None, description=f"{POLICY} With REPLACE, a folder that has the name already is returned."
    )


@strawberry.input(description="The input of `renameItem`.")
class RenameItemInput:
    item_id: strawberry.ID = strawberry.field(description="The ID of the folder or file.")
    name: str = strawberry.field(description=f"The new name: {NAME}")
    conflict: ConflictPolicy | None = strawberry.field(default=None, description=POLICY)


@strawberry.input(description="The input of `moveItems`.")
class MoveItemsInput:
    item_ids: list[strawberry.ID] = strawberry.field(description=ITEM_IDS)
    parent_id: strawberry.ID | None = strawberry.field(default=None, description=FOLDER)
    conflict: ConflictPolicy | None = strawberry.field(default=None, description=POLICY)


@strawberry.input(description="The input of `copyItems`.")
class CopyItemsInput:
    item_ids: list[strawberry.ID] = strawberry.field(description=ITEM_IDS)
    parent_id: strawberry.ID | None = strawberry.field(default=None, description=FOLDER)
    conflict: ConflictPolicy | None = strawberry.field(default=None, description=POLICY)


@strawberry.input(description="The input of `starItem`.")
class StarItemInput:
    item_id: strawberry.ID = strawberry.field(description="The ID of the folder or file.")
    starred: bool = strawberry.field(description="Whether the item has a star.")


@strawberry.input(description="The input of `trashItems`.")
class TrashItemsInput:
    item_ids: list[strawberry.ID] = strawberry.field(description=ITEM_IDS)


@strawberry.input(description="The input of `restoreItems`.")
class RestoreItemsInput:
    item_ids: list[strawberry.ID] = strawberry.field(description=ITEM_IDS)
