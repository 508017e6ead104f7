"""Keyset pagination on a real table."""

from dataclasses import replace
from uuid import UUID

import pytest

from storage.database.pages import Window, newest_first
from storage.drive.models import FileVersion
from tests.storage.drive.test_versions import new_file
from tests.storage.rows import new_account

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
async def test_pages_are_the_whole_list_in_both_directions(limit: int) -> None:
    account = await new_account()
    keys = [(await new_file(account)).id for _ in range(5)][::-1]
    assert await forwards(Window(limit)) == await backwards(Window(limit, backwards=True)) == keys


async def forwards(window: Window[UUID]) -> list[UUID]:
    page = await keys_of(window)
    return page + await forwards(replace(window, after=page[-1])) if page else []


async def backwards(window: Window[UUID]) -> list[UUID]:
    page = await keys_of(window)
    return await backwards(replace(window, before=page[0])) + page if page else []


async def keys_of(window: Window[UUID]) -> list[UUID]:
    return [file.id for file in await newest_first(FileVersion.all(), window)]
