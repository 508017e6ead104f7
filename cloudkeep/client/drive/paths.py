"""Paths and IDs of items, as users write them."""

import re
import unicodedata

from cloudkeep.client.errors import UsageError

ROOT_PATH = "/"
#: TypeIDs of folders and files (https://github.com/jetify-com/typeid).
ITEM_ID = re.compile(r"(?:folder|file)_[0-7][0-9a-hjkmnp-tv-z]{25}")


def is_id(place: str) -> bool:
    """Whether this is an ID and not a path. An item with such a name has a path that begins with a slash."""
    return bool(ITEM_ID.fullmatch(place))


def normalized(path: str) -> str:
    """The path from the root, without a slash at its end, and without ``.``, ``..`` and empty parts.

    Raises :class:`UsageError` for an empty path: in a script it is a variable without a value, and not the root.
    """
    if not path:
        raise UsageError(f"a path is empty; the root of the drive is {ROOT_PATH}")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return ROOT_PATH + "/".join(parts)


def joined(folder: str, name: str) -> str:
    """The path of an item in a folder."""
    return f"{folder.rstrip('/')}/{name}"


def split(path: str) -> tuple[str, str]:
    """The path of the folder and the name; the name of the root is empty."""
    folder, _, name = normalized(path).rpartition("/")
    return folder or ROOT_PATH, name


def folded(path: str) -> str:
    """The name or path for comparison, as the server compares names in a folder: without case, in NFC."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
