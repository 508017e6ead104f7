"""Folders and files for tests of the drive."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.drive import items
from storage.drive.models import Blob, FileKind, Item, ItemKind
from storage.drive.names import folded, sort_key
from storage.drive.tree import changes
from storage.drive.tree.chains import chains
from storage.drive.tree.placing import ConflictPolicy
from storage.drive.versions import Content
from storage.events.models import Event
from tests.storage.rows import NOW, SHA256, add_file, new_account

FAIL, KEEP_BOTH, REPLACE = ConflictPolicy.FAIL, ConflictPolicy.KEEP_BOTH, ConflictPolicy.REPLACE


async def new_drive() -> Account:
    """An account with an empty drive."""
    account = await new_account()
    await items.ensure_root(account.id, NOW)
    return account


async def new_folder(account: Account, name: str, parent: Item | None = None, policy: ConflictPolicy = FAIL) -> Item:
    """A new folder; without a parent it is in the root."""
    return await changes.create_folder(account.id, parent.id if parent else account.id, name, policy, NOW)


def file_row(account: Account, name: str, parent_id: UUID | None = None, **more: Any) -> Item:
    """A file without a version, not stored yet."""
    given = {"size": 10, "file_kind": FileKind.OTHER, "created_at": NOW, "updated_at": NOW}
    return Item(
        account_id=account.id,
        parent_id=parent_id or account.id,
        kind=ItemKind.FILE,
        name=name,
        folded_name=folded(name),
        sort_key=sort_key(name),
        **{**given, **more},
    )


async def new_item(account: Account, name: str, parent: Item | None = None, **more: Any) -> Item:
    """A file without a version."""
    item = file_row(account, name, parent.id if parent else None, **more)
    await item.save(force_create=True)
    return item


async def new_file(account: Account, name: str, parent: Item | None = None, size: int = 10) -> Item:
    """A file with a version and a blob of its own."""
    blob = await Blob.create(account_id=account.id, key=uuid4().hex, size=size, sha256=SHA256)
    content = Content(blob, "text/plain", None)
    parent_id = parent.id if parent else None
    version = await atomically(lambda: add_file(account.id, parent_id, name, content, NOW))
    return await Item.get(id=version.item_id)


async def new_chain(account: Account, count: int, parent: Item | None = None) -> list[Item]:
    """So many folders, each in the one before it."""
    made: list[Item] = []
    for number in range(count):
        folder = folder_row(account, f"level {number}", made[-1].id if made else parent.id if parent else account.id)
        made.append(folder)
    await Item.bulk_create(made)
    return made


def folder_row(account: Account, name: str, parent_id: UUID) -> Item:
    """A folder, not stored yet."""
    row = file_row(account, name, parent_id, size=None, file_kind=None)
    row.kind = ItemKind.FOLDER
    return row


async def path_of(item: Item) -> str:
    """The path of an item, also in the trash."""
    return (await chains([item.id]))[item.id].path


async def names_in(folder_id: UUID) -> list[str]:
    """The names of the untrashed items of a folder, by creation."""
    return [item.name for item in await Item.filter(parent_id=folder_id, trashed_at=None).order_by("id")]


async def event_kinds(account: Account) -> list[str]:
    """The kinds of all events of an account, in order."""
    return [event.kind for event in await Event.filter(account_id=account.id).order_by("seq")]


def later(seconds: float) -> datetime:
    """A time after that of the first rows."""
    return NOW + timedelta(seconds=seconds)
