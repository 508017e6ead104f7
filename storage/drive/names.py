"""Names of items: equal names, their order, and numbered names for conflicts."""

import re
import unicodedata

#: The longest name, in bytes of UTF-8: what all common file systems accept.
MAX_NAME_BYTES = 255
DIGITS = re.compile(r"([0-9]+)")
#: Suffixes that belong to the extension before them, as in ``archive.tar.gz``.
DOUBLE_EXTENSION = re.compile(r"(\.tar)?\.[^.\s]{1,16}\Z", re.IGNORECASE)


def folded(name: str) -> str:
    """The name for comparison: two items of a folder must differ in it. Case is ignored, accents are not."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def sort_key(name: str) -> bytes:
    """A key whose bytes order names like a reader: without case, and numbers by their value.

    A number becomes its count of digits and its digits, without leading zeros. The name itself ends the key, so that
    different names have different keys.
    """
    parts = DIGITS.split(folded(name))
    key = "".join(_number(part) if index % 2 else part for index, part in enumerate(parts))
    return key.encode(errors="surrogatepass") + b"\0" + name.encode(errors="surrogatepass")


def _number(digits: str) -> str:
    significant = digits.lstrip("0") or "0"
    # "0" is before every letter, so that numbers stay before words.
    return f"0{len(significant):03d}{significant}"


def numbered(name: str, number: int) -> str:
    """The name with a number before its extension, ``clip (2).mp4``, shortened if it becomes too long."""
    match = DOUBLE_EXTENSION.search(name, 1)
    stem, extension = (name[: match.start()], match.group()) if match else (name, "")
    suffix = f" ({number}){extension}"
    return shortened(stem, MAX_NAME_BYTES - len(suffix.encode())) + suffix


def derived(name: str, ending: str) -> str:
    """The name of a file that was made from another one: ``ending`` in place of its extension, ``clip.small.mp4``."""
    stem = name.rpartition(".")[0] or name
    return shortened(stem, MAX_NAME_BYTES - len(ending.encode())) + ending


def shortened(text: str, max_bytes: int) -> str:
    """The longest start of the text that has at most ``max_bytes`` bytes of UTF-8, without a space at its end."""
    return text.encode()[:max_bytes].decode(errors="ignore").rstrip()
