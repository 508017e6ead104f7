"""Commands to a drive, chosen by hypothesis or by a seeded generator."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from random import Random

from hypothesis import strategies as st

from storage.drive.tree.placing import ConflictPolicy

#: Few names, so that they often conflict: equal names in other case, and names that look like numbered ones.
NAMES = ("a", "A", "a (2)", "b.txt", "B.TXT", "b (2).txt", "Été", "é")
#: Few contents, so that files often share bytes; of different sizes, so that no wrong sum is right by chance.
CONTENTS = (b"", b"a line\n", b"another line\n" * 3, b"one more line\n" * 20)
MOST_ITEMS = 3
LARGEST_PICK = 40


class Kind(StrEnum):
    """What a command does."""

    CREATE_FOLDER = "create_folder"
    RENAME = "rename"
    MOVE = "move"
    COPY = "copy"
    STAR = "star"
    TRASH = "trash"
    RESTORE = "restore"
    DELETE = "delete"
    EMPTY_TRASH = "empty_trash"
    UPLOAD = "upload"
    WORK = "work"
    RESTORE_VERSION = "restore_version"
    DELETE_VERSION = "delete_version"
    LIMIT_VERSIONS = "limit_versions"
    COLLECT = "collect"
    SEARCH = "search"
    ZIP = "zip"
    BOOKMARK = "bookmark"


#: The commands that make a tree are more frequent than those that delete much of it.
FREQUENT = (Kind.CREATE_FOLDER, Kind.UPLOAD, Kind.UPLOAD, Kind.WORK, Kind.WORK, Kind.COPY, Kind.MOVE, Kind.TRASH)
CHOICES = (*Kind, *FREQUENT, Kind.RESTORE)


@dataclass(frozen=True, repr=False)
class Command:
    """A command. ``items``, ``folder`` and ``number`` choose among what there is when it runs."""

    kind: Kind
    items: Sequence[int] = (0,)
    folder: int = 0
    name: str = "a"
    policy: ConflictPolicy = ConflictPolicy.FAIL
    path: Sequence[str] = ()
    content: int = 0
    number: int = 0
    flag: bool = False
    compress: bool = False

    def __repr__(self) -> str:
        """The command in one line of code, without what is as by default."""
        given = [(each, getattr(self, each.name)) for each in fields(self)[1:]]
        shown = [f"{each.name}={value!r}" for each, value in given if value != each.default]
        return f"Command({', '.join([f'Kind.{self.kind.name}', *shown])})"


PICKS = st.integers(0, LARGEST_PICK)
COMMANDS = st.builds(
    Command,
    kind=st.sampled_from(CHOICES),
    items=st.lists(PICKS, min_size=1, max_size=MOST_ITEMS),
    folder=PICKS,
    name=st.sampled_from(NAMES),
    policy=st.sampled_from(ConflictPolicy),
    path=st.lists(st.sampled_from(NAMES), max_size=2),
    content=st.integers(0, len(CONTENTS) - 1),
    number=PICKS,
    flag=st.booleans(),
    compress=st.booleans(),
)


def random_command(random: Random, kinds: Sequence[Kind] = CHOICES) -> Command:
    """A command for a process without hypothesis."""
    return Command(
        kind=random.choice(kinds),
        items=[random.randint(0, LARGEST_PICK) for _ in range(random.randint(1, MOST_ITEMS))],
        folder=random.randint(0, LARGEST_PICK),
        name=random.choice(NAMES),
        policy=random.choice(list(ConflictPolicy)),
        path=[random.choice(NAMES) for _ in range(random.randint(0, 2))],
        content=random.randrange(len(CONTENTS)),
        number=random.randint(0, LARGEST_PICK),
        flag=random.random() < 0.5,
        compress=random.random() < 0.5,
    )
