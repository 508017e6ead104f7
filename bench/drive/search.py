"""Searches over many names: a large account, some of middle size, and many small ones."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from uuid import UUID

from bench.drive import fill
from bench.drive.databases import FilledDatabase
from bench.drive.fill import NewItem
from bench.drive.timing import Timing, timed
from services.drive.search import Search
from storage.database.connection import close_database, open_database

#: The accounts of each size, and the part of all names that each of them has.
ACCOUNTS = ((1, 0.5), (8, 0.05), (100, 0.001))
FOLDER_ITEMS = 500
PAGE = 50
#: The parts of words. The first words are far more frequent than the others, as in a language.
STARTS, VOWELS, ENDS = (
    [
        "b",
        "c",
        "d",
        "f",
        "g",
        "h",
        "j",
        "k",
        "l",
        "m",
        "n",
        "p",
        "r",
        "s",
        "t",
        "v",
        "w",
        "z",
        "br",
        "ch",
        "gr",
        "st",
        "tr",
    ],
    "aeiou",
    ["", "", "l", "n", "r", "s"],
)
WORDS, FREQUENT = 20_000, 10
EXTENSIONS = (".mp4", ".jpg", ".pdf", ".mov", ".docx")
#: Each of the first two is in a tenth of the names, and no name has both. The third is in a tenth of the names of other
#: accounts than those of middle size.
SUMMER, WINTER, BACKUP = "summer", "winter", "backup"

Query = Callable[[random.Random, str], str]
USUAL: dict[str, Query] = {
    "a word of a name": lambda chance, name: chance.choice(name.split()[:-1]),
    "two words of a name": lambda chance, name: " ".join(chance.sample(name.split()[:-1], 2)),
    "the start of a word": lambda chance, name: chance.choice(name.split()[:-1])[:4],
    "a whole name": lambda chance, name: name,
    "a word and the extension": lambda chance, name: f"{chance.choice(name.split()[:-1])} {name[-4:]}",
    "two letters": lambda chance, name: name[:2],
}
WORST = {
    "no hit, two common words": f"{SUMMER} {WINTER}",
    "no hit, common in other accounts": f"{BACKUP}",
    "no hit, a common word and two letters": f"{SUMMER} q7",
    "no hit, a word that no name has": "xylophone",
    "no hit, two letters": "q7",
    "no hit, two signs": "=§",
    "no hit, common trigrams": f"{SUMMER[:5]}{WINTER[:5]}{BACKUP[:5]}",
}
SIZES = ("large", "middle", "small")


async def measure(database: FilledDatabase, items: int, runs: int) -> list[Timing]:
    """Fill the database with so many items, and search in accounts of each size."""
    chance = random.Random(7)  # noqa: S311 - it only makes names
    accounts = await _fill(database, items, chance)
    await open_database(database.url)
    try:
        found = [
            await _measure_query(database, size, kind, accounts[size], runs, chance)
            for size in SIZES
            for kind in (*USUAL, *WORST)
        ]
    finally:
        await close_database()
    return found


async def _measure_query(
    database: FilledDatabase,
    size: str,
    kind: str,
    account: tuple[UUID, Sequence[str]],
    runs: int,
    chance: random.Random,
) -> Timing:
    account_id, names = account
    queries = [USUAL[kind](chance, chance.choice(names)) if kind in USUAL else WORST[kind] for _ in range(runs)]
    search = Search()
    calls = [partial(search.page, account_id, query, first=PAGE) for query in queries]
    return await timed(database, f"{size} account: {kind}", calls)


async def _fill(database: FilledDatabase, items: int, chance: random.Random) -> dict[str, tuple[UUID, Sequence[str]]]:
    """Returns an account of each size, and some of its names."""
    await database.drop_search_index()
    examples: dict[str, tuple[UUID, Sequence[str]]] = {}
    for size, (count, part) in zip(SIZES, ACCOUNTS, strict=True):
        names = _names(size, chance)
        for account_id in await fill.add_accounts(database, count):
            rows = list(_items(account_id, int(items * part), names))
            await fill.add_items(database, rows)
            examples[size] = account_id, [row.name for row in rows[-1_000:] if " " in row.name and "." in row.name]
    await database.finish()
    return examples


def _items(account_id: UUID, count: int, names: Iterator[str]) -> Iterator[NewItem]:
    """The root, and folders within folders."""
    folders = [root := fill.root(account_id)]
    yield root
    for number in range(count - 1):
        if number % FOLDER_ITEMS == 0:
            parent = folders[(len(folders) - 1) // 8]
            folders.append(fill.folder(parent, f"{next(names)} {number}"))
            yield folders[-1]
        else:
            yield fill.file(folders[-1], f"{next(names)} {number}{EXTENSIONS[number % len(EXTENSIONS)]}")


def _names(size: str, chance: random.Random) -> Iterator[str]:
    words = ["".join(_syllable(chance) for _ in range(chance.randint(2, 4))) for _ in range(WORDS)]
    weights = list(accumulate(1 / (rank + FREQUENT) for rank in range(WORDS)))
    while True:
        chosen = chance.choices(words, cum_weights=weights, k=chance.randint(2, 4))
        draw = chance.random()
        if draw < 0.1:
            chosen.append(SUMMER)
        elif draw < 0.2:
            chosen.append(WINTER)
        elif draw < 0.3 and size != "middle":
            chosen.append(BACKUP)
        yield " ".join(chosen)


def _syllable(chance: random.Random) -> str:
    return chance.choice(STARTS) + chance.choice(VOWELS) + chance.choice(ENDS)
