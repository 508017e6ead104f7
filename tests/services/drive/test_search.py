"""Searches: what is visible of an account, in pages whose work is bounded."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from services.core.errors import InvalidInput
from services.drive import search as module
from services.drive.errors import SearchTimeout
from services.drive.search import Names, Search, SearchPage, search_words
from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.drive import items
from storage.drive.models import FileKind, Item, ItemKind
from storage.drive.tree.listing import NO_FILTER, ItemFilter
from storage.errors import QueryTimeout
from storage.search import entries
from storage.search.entries import Found
from tests.storage.rows import NOW, new_account


@pytest.fixture
async def account(database: str) -> Account:
    """An account with the root of its drive."""
    account = await new_account()
    await items.ensure_root(account.id, NOW)
    return account


async def add(account: Account, *names: str, parent: Item | None = None, **values: object) -> list[Item]:
    """Store items, files by default, as the product does."""
    kind = values.pop("kind", ItemKind.FILE)
    assert isinstance(kind, ItemKind)
    added = [items.new_item(account.id, parent.id if parent else account.id, kind, name, NOW) for name in names]
    for item in added:
        item.update_from_dict(values)
        await item.save(force_create=True)
    await atomically(lambda: entries.put(account.id, {item.id: item.name for item in added}))
    return added


async def folder(account: Account, name: str, parent: Item | None = None, **values: object) -> Item:
    (added,) = await add(account, name, parent=parent, kind=ItemKind.FOLDER, **values)
    return added


def names(page: SearchPage) -> list[str]:
    return [hit.item.name for hit in page.hits]


async def search(account: Account, query: str, only: ItemFilter = NO_FILTER, first: int = 20) -> list[str]:
    return names(await Search().page(account.id, query, only=only, first=first))


async def test_folders_and_files_are_found_at_any_depth_the_newest_first(account: Account) -> None:
    top = await folder(account, "Holiday")
    below = await folder(account, "more", top)
    await add(account, "holiday.mp4", "other.mp4", parent=below)
    assert await search(account, "HOLI") == ["holiday.mp4", "Holiday"]


async def test_the_root_is_not_found(account: Account) -> None:
    assert await search(account, "drive") == []


async def test_nothing_of_another_account_is_found(account: Account) -> None:
    other = await new_account()
    await items.ensure_root(other.id, NOW)
    await add(other, "clip")
    assert await search(account, "clip") == []


async def test_what_is_in_the_trash_is_not_found_however_deep(account: Account) -> None:
    trashed = await folder(account, "clip 1", trashed_at=NOW)
    below = await folder(account, "clip 2", trashed)
    await add(account, "clip 3", parent=below)
    await add(account, "clip 4", trashed_at=NOW)
    await add(account, "clip 5")
    assert await search(account, "clip") == ["clip 5"]


async def test_what_is_being_deleted_is_not_found(account: Account) -> None:
    top = await folder(account, "clip 1")
    await add(account, "clip 2", parent=top)
    await Item.filter(id=top.id).update(parent_id=None, removed_at=NOW)
    assert await search(account, "clip") == []


async def test_folders_in_a_circle_are_not_found_and_end_the_search(account: Account) -> None:
    one = await folder(account, "clip 1")
    two = await folder(account, "clip 2", one)
    await Item.filter(id=one.id).update(parent_id=two.id)
    assert await search(account, "clip") == []


@pytest.mark.parametrize(
    ("only", "found"),
    [
        (ItemFilter(), ["clip 3", "clip 2", "clip 1", "clip"]),
        (ItemFilter(kinds=(FileKind.VIDEO,)), ["clip 1"]),
        (ItemFilter(kinds=(FileKind.VIDEO, FileKind.IMAGE)), ["clip 2", "clip 1"]),
        (ItemFilter(kinds=()), []),
        (ItemFilter(starred=True), ["clip 2"]),
        (ItemFilter(starred=False), ["clip 3", "clip 1", "clip"]),
        (ItemFilter(min_size=20), ["clip 3", "clip 2"]),
        (ItemFilter(max_size=20), ["clip 2", "clip 1"]),
        (ItemFilter(created_after=NOW), ["clip 3"]),
        (ItemFilter(created_before=NOW + timedelta(hours=1)), ["clip 2", "clip 1", "clip"]),
    ],
)
async def test_a_filter_holds_for_all_items(account: Account, only: ItemFilter, found: list[str]) -> None:
    await folder(account, "clip")
    await add(account, "clip 1", size=10, file_kind=FileKind.VIDEO)
    await add(account, "clip 2", size=20, file_kind=FileKind.IMAGE, starred=True)
    await add(account, "clip 3", size=30, file_kind=FileKind.OTHER, created_at=NOW + timedelta(hours=2))
    assert await search(account, "clip", only) == found


async def pages(account: Account, query: str, first: int, only: ItemFilter = NO_FILTER) -> list[list[str]]:
    """The names of every page of a search."""
    found: list[list[str]] = []
    before: int | None = None
    while True:
        page = await Search().page(account.id, query, only=only, first=first, before=before)
        found.append(names(page))
        if page.searched_to is None:
            return found
        before = page.searched_to


async def test_pages_have_every_item_once_and_the_last_one_says_so(account: Account) -> None:
    await add(account, *(f"clip {number}" for number in range(5)))
    assert await pages(account, "clip", 2) == [["clip 4", "clip 3"], ["clip 2", "clip 1"], ["clip 0"]]
    assert await pages(account, "clip", 5) == [[f"clip {number}" for number in (4, 3, 2, 1, 0)]]


async def test_a_page_ends_after_much_work_and_the_next_one_goes_on(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CANDIDATES", 3)
    await add(account, "clip 0", starred=True)
    await add(account, *(f"clip {number}" for number in range(1, 7)))
    found = await pages(account, "clip", 2, ItemFilter(starred=True))
    assert found[0] == []
    assert [name for page in found for name in page] == ["clip 0"]


async def test_a_page_ends_after_some_time_and_the_next_one_goes_on(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE_SECONDS", 1e-9)
    monkeypatch.setattr(entries, "READ_AT_ONCE", 2)
    await add(account, *(f"c{number}" for number in range(6)), "other", "another")
    found = await pages(account, "c", 2)
    assert [name for page in found for name in page] == [f"c{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert len(found) > 3


async def test_a_search_that_takes_too_long_has_a_code_of_its_own(account: Account) -> None:
    class Slow(Names):
        async def find(self, account_id: UUID, words: Sequence[str], before: int, limit: int) -> Found:
            raise QueryTimeout

    with pytest.raises(SearchTimeout) as refused:
        await Search(Slow()).page(account.id, "clip", first=20)
    assert (refused.value.code, refused.value.field) == ("SEARCH_TIMEOUT", "query")


@pytest.mark.parametrize("query", ["", "  ", "\u0301", "a" * 301, "a\0b", "\ud800", " ".join(map(chr, range(97, 108)))])
async def test_a_query_has_one_to_ten_words_of_printable_characters(query: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        search_words(query)
    assert refused.value.field == "query"


async def test_spaces_of_any_kind_stand_between_words() -> None:
    assert search_words("b\ta\n\u3000c") == ["a", "b", "c"]
