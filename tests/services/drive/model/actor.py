"""One of several actors on a drive, which know nothing of each other. Also a process that runs until it is killed."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import pytest

from services.core.errors import ExpectedError
from storage.blobs import LocalBlobStore
from storage.database.connection import close_database, open_database
from storage.drive.models import FileVersion, Item, ItemKind
from tests.services.drive.model.commands import CHOICES, Command, Kind, random_command
from tests.services.drive.model.drive import Drive, open_drive
from tests.services.drive.model.lowered import lowered_limits

#: The commands that only a test of one actor understands.
OF_ONE_ACTOR = (Kind.BOOKMARK,)


async def act(drive: Drive, command: Command) -> None:
    """Run a command on what there is at this moment. It may be refused, because another actor was faster."""
    if command.kind in OF_ONE_ACTOR:
        return
    rows = await Item.filter(account_id=drive.account_id).order_by("id")
    ids = [row.id for row in rows]
    folders = [row.id for row in rows if row.kind is ItemKind.FOLDER]
    items, folder = [_at(ids, pick) for pick in command.items], _at(folders, command.folder)
    if command.kind in {Kind.RESTORE_VERSION, Kind.DELETE_VERSION}:
        versions = await FileVersion.filter(item_id=items[0]).order_by("number")
        folder = _at([version.id for version in versions] or [uuid4()], command.number)
    with contextlib.suppress(ExpectedError):
        await getattr(drive, command.kind)(command, items, folder)


def _at(ids: Sequence[UUID], pick: int) -> UUID:
    return ids[pick % len(ids)]


async def main(url: str, store: str, redis_url: str, account_id: str, seed: str) -> None:
    """Run commands without an end."""
    random = Random(int(seed))
    await open_database(url)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as scratch:
        lowered_limits(patch)
        async with open_drive(UUID(account_id), LocalBlobStore(Path(store)), redis_url, Path(scratch)) as drive:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            while True:
                await act(drive, random_command(random, CHOICES))
    await close_database()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
