"""Texts of items, and searches for them: on both databases, with and without an index."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.search import entries
from storage.search.folding import fold, words_of
from storage.search.index import search_index
from tests.storage.rows import new_account

#: Characters that fold to others, have a meaning in a pattern or a query, or take several bytes.
CHARACTERS = "aAäbeEéiIİıoOsSßſ ﬃfiFﬀ123%_\\\"'*-+.()^:ãがか\u3099東京都한\u0301🎬👩\u200d💻ΣσςàАа"  # noqa: RUF001
#: Pieces that many names have, so that queries find something.
PIECES = st.sampled_from(["clip", "CLIP", ".mp4", "Été", "straße", "STRASSE", "100%", "a_b", '"x"', "oﬃce", "東京都"])
NAMES = st.lists(PIECES | st.text(CHARACTERS, max_size=8), min_size=1, max_size=4).map("".join)
SOME_NAMES = st.lists(NAMES, min_size=1, max_size=12)
QUERIES = st.lists(NAMES | st.text(CHARACTERS, min_size=1, max_size=4), min_size=1, max_size=3).map(" ".join)


@pytest.fixture
async def account(database: str) -> Account:
    """An account with a database."""
    return await new_account()


@contextmanager
def reading_at_once(count: int) -> Iterator[None]:
    """Let accounts with more than so many entries use the index, or be read in parts of this size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "READ_AT_ONCE", count)
        yield


@contextmanager
def without_index() -> Iterator[None]:
    """Let searches find no index."""

    async def exists(_: object) -> bool:
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(search_index()), "exists", exists)
        yield


async def put(account_id: UUID, names: Sequence[str]) -> list[UUID]:
    """Store names in a transaction as the product does. Returns the items, the newest first."""
    items = {uuid4(): name for name in names}
    await atomically(lambda: entries.put(account_id, items))
    return list(items)[::-1]


async def find_all(account_id: UUID, query: str, limit: int = 100) -> list[UUID]:
    """All items that a search finds, in parts."""
    found: list[UUID] = []
    before = entries.NEWEST
    while before:
        part = await entries.find(account_id, words_of(query), before, limit)
        assert part.searched_to < before
        found += [entry.item_id for entry in part.entries]
        before = part.searched_to
    return found


async def test_the_index_exists(account: Account) -> None:
    assert await search_index().exists()
    assert await search_index().problem() is None


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=SOME_NAMES, queries=st.lists(QUERIES, min_size=1, max_size=5))
async def test_all_ways_find_what_a_plain_comparison_finds(database: str, names: list[str], queries: list[str]) -> None:
    own = await new_account()
    items = dict(zip(await put(own.id, names), reversed(names), strict=True))
    for query in filter(words_of, queries):
        expected = [key for key, name in items.items() if all(word in fold(name) for word in fold(query).split())]
        with reading_at_once(1):
            assert await find_all(own.id, query, 3) == expected
            with without_index():
                assert await find_all(own.id, query) == expected
        with reading_at_once(5), without_index():
            assert await find_all(own.id, query, 3) == expected
        assert await find_all(own.id, query) == expected


@pytest.fixture(params=["index", "entries"])
async def way(request: pytest.FixtureRequest, account: Account) -> AsyncIterator[str]:
    """Searches with the index, and by reading the entries."""
    with reading_at_once(1 if request.param == "index" else 10_000):
        yield request.param


async def test_words_are_found_in_any_order_and_inside_of_others(account: Account, way: str) -> None:
    both, _ = await put(account.id, ["only summer", "Holiday in Summer.mp4"])
    assert await find_all(account.id, "umm holi") == [both]


async def test_the_newest_items_come_first_and_a_search_continues_behind_them(account: Account, way: str) -> None:
    items = await put(account.id, ["clip 1", "clip 2", "other", "clip 3"])
    first = await entries.find(account.id, ["clip"], limit=2)
    assert [entry.item_id for entry in first.entries] == [items[0], items[2]]
    rest = await entries.find(account.id, ["clip"], first.searched_to, limit=2)
    assert [entry.item_id for entry in rest.entries] == [items[3]]


async def test_nothing_of_another_account_is_found(account: Account, way: str) -> None:
    await put((await new_account()).id, ["clip", "clip"])
    own = await put(account.id, ["clip", "clip"])
    assert await find_all(account.id, "clip") == own


async def test_a_renamed_item_is_found_by_its_new_name_alone_at_the_same_place(account: Account, way: str) -> None:
    newer, older = await put(account.id, ["first", "second"])
    await atomically(lambda: entries.put(account.id, {older: "third"}))
    assert await find_all(account.id, "first") == []
    assert await find_all(account.id, "ir") == [older]
    assert await find_all(account.id, "d") == [newer, older]


async def test_a_removed_item_is_not_found(account: Account, way: str) -> None:
    kept, gone = await put(account.id, ["clip a", "clip b"])
    await atomically(lambda: entries.remove([gone, uuid4()]))
    assert await find_all(account.id, "clip") == [kept]


async def test_what_a_transaction_takes_back_is_not_found(account: Account, way: str) -> None:
    async def fail() -> None:
        await entries.put(account.id, {uuid4(): "clip"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await atomically(fail)
    assert await find_all(account.id, "clip") == []


async def test_the_entries_of_a_deleted_account_are_deleted(account: Account, way: str) -> None:
    await put(account.id, ["clip", "clip"])
    await account.delete()
    assert await find_all(account.id, "clip") == []


async def test_the_words_of_a_hostile_query_are_only_words(account: Account, way: str) -> None:
    names = ['" OR "', "text:*", "a%c", "abc", "NEAR(x y)", "x'; DROP TABLE item; --"]
    items = dict(zip(names[::-1], await put(account.id, names), strict=True))
    for name in ('" OR "', "text:*", "a%c", "NEAR(x", "'; DROP"):
        assert await find_all(account.id, name) == [key for found, key in items.items() if name in found]


async def test_storing_nothing_is_allowed(account: Account) -> None:
    await atomically(lambda: entries.put(account.id, {}))
    await atomically(lambda: entries.remove([]))


async def test_if_the_index_takes_too_long_reading_goes_on(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    items = await put(account.id, [f"clip {number}" for number in range(7)])
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 - i FROM n) SELECT i, i FROM n WHERE i > 1"
    monkeypatch.setattr(type(search_index()), "look_up", lambda *_: (endless, ()))
    monkeypatch.setattr(entries, "INDEX_SECONDS", 0.05)
    with reading_at_once(3):
        assert await find_all(account.id, "clip") == items
