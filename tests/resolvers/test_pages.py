"""Pages of lists."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.pages import Listing, PageArguments, parse_index
from services.core.errors import InvalidInput
from storage.database.pages import Window

NUMBERS = range(10)


def listing(
    numbers: Sequence[int] = NUMBERS, *, default: int = 3, maximum: int = 5, largest: int = 5
) -> Listing[int, int]:
    async def fetch(window: Window[int]) -> list[int]:
        part = [
            number
            for number in numbers
            if (window.after is None or number > window.after) and (window.before is None or number < window.before)
        ]
        return part[-window.limit :] if window.backwards else part[: window.limit]

    async def count() -> int:
        return len(numbers)

    return Listing(fetch, count, lambda number: number, parse_index, default, maximum, largest)


@pytest.mark.parametrize(
    ("arguments", "items", "has_previous", "has_next"),
    [
        (PageArguments(), [0, 1, 2], False, True),
        (PageArguments(first=5), [0, 1, 2, 3, 4], False, True),
        (PageArguments(first=2, after="7"), [8, 9], True, False),
        (PageArguments(first=2, after="6"), [7, 8], True, True),
        (PageArguments(first=2, after="9"), [], True, False),
        (PageArguments(first=5, after="2", before="5"), [3, 4], True, False),
        (PageArguments(before="2"), [0, 1], False, False),
        (PageArguments(last=2), [8, 9], True, False),
        (PageArguments(last=2, before="3"), [1, 2], True, True),
        (PageArguments(last=5, before="3"), [0, 1, 2], False, True),
        (PageArguments(last=2, before="0"), [], False, True),
        (PageArguments(last=5, after="2", before="5"), [3, 4], False, True),
        (PageArguments(last=1, after="2", before="5"), [4], True, True),
    ],
)
async def test_a_page_has_its_items_and_says_what_is_around_them(
    arguments: PageArguments, items: list[int], has_previous: bool, has_next: bool
) -> None:
    page = await listing().page(arguments)
    assert (list(page.items), page.has_previous, page.has_next) == (items, has_previous, has_next)
    assert await page.count() == 10


async def test_an_empty_list_has_nothing_around_its_only_page() -> None:
    for arguments in (
        PageArguments(),
        PageArguments(last=2),
        PageArguments(after="3"),
        PageArguments(last=1, before="3"),
    ):
        page = await listing([]).page(arguments)
        assert (list(page.items), page.has_previous, page.has_next) == ([], False, False)


async def test_a_server_may_give_fewer_items_than_a_client_asks_for() -> None:
    page = await listing(largest=2).page(PageArguments(first=5))
    assert (list(page.items), page.has_next) == ([0, 1], True)
    page = await listing(largest=2).page(PageArguments(last=5))
    assert (list(page.items), page.has_previous) == ([8, 9], True)


@pytest.mark.parametrize("name", ["first", "last"])
@pytest.mark.parametrize("size", [0, -1, 6, 2**31 - 1])
async def test_a_page_is_neither_empty_nor_too_large(name: str, size: int) -> None:
    with pytest.raises(InvalidInput, match="must be 1 to 5") as refusal:
        await listing().page(PageArguments(**{name: size}))  # type: ignore[arg-type]
    assert refusal.value.field == name


async def test_a_page_is_the_first_or_the_last_one_and_not_both() -> None:
    with pytest.raises(InvalidInput, match="not both") as refusal:
        await listing().page(PageArguments(first=1, last=1))
    assert refusal.value.field == "last"


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("cursor", ["", "x", "-1", "1" * 10, "\u0661"])
async def test_a_cursor_of_another_server_is_refused(name: str, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="not made by this server") as refusal:
        await listing().page(PageArguments(**{name: cursor}))  # type: ignore[arg-type]
    assert refusal.value.field == name


LISTS = st.lists(st.integers(0, 12), unique=True, max_size=8).map(sorted)
CURSORS = st.none() | st.integers(0, 13).map(str)
SIZES = st.none() | st.integers(1, 5)


def relay_edges(numbers: Sequence[int], wanted: PageArguments) -> list[int]:
    """The list between the cursors. See section 4.4 of the specification, ApplyCursorsToEdges."""
    after, before = (None if cursor is None else int(cursor) for cursor in (wanted.after, wanted.before))
    return [each for each in numbers if (after is None or each > after) and (before is None or each < before)]


@given(LISTS, CURSORS, CURSORS, SIZES, st.booleans())
def test_a_page_is_the_one_of_the_specification(
    numbers: list[int], after: str | None, before: str | None, size: int | None, backwards: bool
) -> None:
    wanted = PageArguments(**{"last" if backwards else "first": size}, after=after, before=before)
    page = asyncio.run(listing(numbers).page(wanted))
    edges, limit, backwards = relay_edges(numbers, wanted), size or 3, wanted.last is not None
    items = edges[-limit:] if backwards else edges[:limit]
    assert list(page.items) == items
    assert (page.has_previous if backwards else page.has_next) is (len(edges) > limit)
    if items and backwards:
        assert page.has_next is (before is not None and items[-1] < numbers[-1])
    elif items:
        assert page.has_previous is (after is not None and items[0] > numbers[0])
