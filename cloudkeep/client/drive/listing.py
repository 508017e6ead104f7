"""The work of ``cloudkeep ls`` and ``cloudkeep search``: one item a line, or JSON."""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from rich.filesize import decimal

from cloudkeep.client.display.display import print_error
from cloudkeep.client.display.tables import NOTHING, time_text
from cloudkeep.client.drive.drive import Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.run import DONE
from cloudkeep.client.errors import ItemFailed, TransferFailed, printable

#: The widths of the columns of ``-l``, of sizes as people read them and in bytes.
SIZE_WIDTH, BYTES_WIDTH = 8, 14


@dataclass(frozen=True)
class Format:
    """How items are printed. ``is_path``: by their paths, not only by their names."""

    is_long: bool = False
    is_json: bool = False
    is_path: bool = False


class Printer:
    """Prints items as they come, so that a large folder needs no memory and a pipe may end early."""

    def __init__(self, format_: Format) -> None:
        self._format = format_
        self._is_terminal = sys.stdout.isatty()
        self._count = 0

    async def print_all(self, items: AsyncIterator[RemoteItem], limit: int | None = None) -> None:
        """Print the items, at most ``limit``, and say on standard error if there are more."""
        self._begin()
        try:
            async for item in items:
                if self._count == limit:
                    print_error(f"cloudkeep: there are more than {limit}; --limit shows more of them")
                    break
                self._print(item)
        finally:
            self._end()

    def _begin(self) -> None:
        if self._format.is_json:
            sys.stdout.write("[")

    def _end(self) -> None:
        if self._format.is_json:
            sys.stdout.write("\n]\n" if self._count else "]\n")
        sys.stdout.flush()

    def _print(self, item: RemoteItem) -> None:
        if self._format.is_json:
            sys.stdout.write(",\n" if self._count else "\n")
            sys.stdout.write(json.dumps(item.to_json()))
        else:
            sys.stdout.write(f"{self._line(item)}\n")
        self._count += 1

    def _line(self, item: RemoteItem) -> str:
        name = printable(item.path if self._format.is_path else item.name)
        if not self._format.is_long:
            return name
        moment = time_text(item.trashed_at or item.updated_at)
        return f"{self._size(item)}  {moment}  {item.id:<33}  {name}{'/' if item.is_folder else ''}"

    def _size(self, item: RemoteItem) -> str:
        """As people read it in a terminal, in bytes elsewhere."""
        if self._is_terminal:
            return f"{NOTHING if item.size is None else decimal(item.size):>{SIZE_WIDTH}}"
        return f"{NOTHING if item.size is None else item.size:>{BYTES_WIDTH}}"


async def list_items(drive: Drive, place: str, format_: Format, *, is_recursive: bool) -> int:
    """Print the items of a folder, with ``is_recursive`` everything below it; or the file at this place."""
    item = await _found(drive, place)
    items = drive.tree(item) if is_recursive else drive.children(item)
    return await _print(place, items if item.is_folder else _only(item), format_)


async def list_trash(drive: Drive, format_: Format) -> int:
    """Print the items of the trash, by their former paths."""
    return await _print("the trash", drive.trash(), format_)


async def search(drive: Drive, query: str, format_: Format, limit: int) -> int:
    """Print the paths of the items with these words, newest first."""
    return await _print(query, drive.search(query), format_, limit)


async def _found(drive: Drive, place: str) -> RemoteItem:
    try:
        return await drive.find(place)
    except TransferFailed as error:
        raise ItemFailed(place, error) from error


async def _print(place: str, items: AsyncIterator[RemoteItem], format_: Format, limit: int | None = None) -> int:
    try:
        await Printer(format_).print_all(items, limit)
    except TransferFailed as error:
        raise ItemFailed(place, error) from error
    return DONE


async def _only(item: RemoteItem) -> AsyncIterator[RemoteItem]:
    yield item
