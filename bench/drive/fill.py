"""Rows of accounts, folders and files, for all parts of the benchmark."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from bench.drive.databases import FilledDatabase, Row
from storage.drive.models import ItemKind
from storage.drive.names import folded, sort_key
from storage.search.folding import fold

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 1_000_000
ACCOUNT_COLUMNS = ("id", "user_id", "name", "email", "password_hash", "created_at")
ITEM_COLUMNS = (
    "id",
    "account_id",
    "parent_id",
    "kind",
    "name",
    "folded_name",
    "sort_key",
    "size",
    "file_kind",
    "version_id",
    "starred",
    "created_at",
    "updated_at",
)
BLOB_COLUMNS = ("id", "account_id", "key", "size", "sha256", "is_deleting", "created_at")
VERSION_COLUMNS = ("id", "account_id", "item_id", "number", "mime_type", "blob_id", "created_at")
SHA256 = "0" * 64
ENTRY_COLUMNS = ("account_id", "item_id", "text")


@dataclass(frozen=True)
class NewItem:
    """A folder or file to store. Its parent is stored before it."""

    id: UUID
    account_id: UUID
    parent_id: UUID | None
    kind: ItemKind
    name: str
    #: That of a file, as if it had one already.
    version_id: UUID | None = None


def root(account_id: UUID) -> NewItem:
    """The root of an account's drive."""
    return NewItem(account_id, account_id, None, ItemKind.FOLDER, "My drive")


def folder(parent: NewItem, name: str) -> NewItem:
    """A folder in another one."""
    return NewItem(uuid7(), parent.account_id, parent.id, ItemKind.FOLDER, name)


def file(parent: NewItem, name: str) -> NewItem:
    """A file in a folder."""
    return NewItem(uuid7(), parent.account_id, parent.id, ItemKind.FILE, name, uuid7())


async def add_accounts(database: FilledDatabase, count: int) -> Sequence[UUID]:
    """Store accounts without a password. Returns their keys."""
    keys = [uuid7() for _ in range(count)]
    rows = [(key, key.hex, "Bench", f"{key}@example.org", "-", NOW) for key in keys]
    await database.copy("account", ACCOUNT_COLUMNS, rows)
    return keys


async def add_items(database: FilledDatabase, items: Iterable[NewItem], *, searchable: bool = True) -> None:
    """Store items, with the entries by which searches find them."""
    items = list(items)
    await database.copy("item", ITEM_COLUMNS, _items(items))
    if searchable:
        await database.copy("search_entry", ENTRY_COLUMNS, _entries(items))


async def add_content(database: FilledDatabase, files: Sequence[NewItem]) -> None:
    """Give each file a version over a blob of its own."""
    blobs = [uuid7() for _ in files]
    blob_rows = (
        (key, item.account_id, str(key), SIZE, SHA256, False, NOW) for item, key in zip(files, blobs, strict=True)
    )
    await database.copy("blob", BLOB_COLUMNS, blob_rows)
    version_rows = (
        (item.version_id, item.account_id, item.id, 1, "video/mp4", key, NOW)
        for item, key in zip(files, blobs, strict=True)
    )
    await database.copy("file_version", VERSION_COLUMNS, version_rows)


def _items(items: Iterable[NewItem]) -> Iterator[Row]:
    for item in items:
        is_file = item.kind is ItemKind.FILE
        content = (SIZE, "VIDEO", item.version_id) if is_file else (None, None, None)
        names = (item.name, folded(item.name), sort_key(item.name))
        yield item.id, item.account_id, item.parent_id, item.kind.value, *names, *content, False, NOW, NOW


def _entries(items: Iterable[NewItem]) -> Iterator[Row]:
    return ((item.account_id, item.id, fold(item.name)) for item in items if item.parent_id)
