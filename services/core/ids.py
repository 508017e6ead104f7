"""Public IDs: TypeIDs (https://github.com/jetify-com/typeid/tree/main/spec, version 0.3).

A TypeID is a prefix that names the type, an underscore, and the 128 bits of a UUID in 26 characters of Crockford's
base32, in lower case. Clients treat it as opaque. The database stores the UUID.
"""

from enum import StrEnum
from uuid import UUID

from services.core.errors import NotFound

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
#: Each 10 bits as two characters.
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
#: The first character holds 3 bits, the others 5 each.
_FIRST_CHARACTERS = frozenset(ALPHABET[:8])


class Prefix(StrEnum):
    """The types that have public IDs. A prefix is never renamed."""

    ACCOUNT = "account"
    API_TOKEN = "token"  # noqa: S105 - a prefix
    EMAIL_CHANGE = "change"
    FILE = "file"
    FOLDER = "folder"
    PASSWORD_RESET = "reset"  # noqa: S105 - a prefix
    REGISTRATION = "registration"
    RENDITION = "rendition"
    SESSION = "session"
    SLOT = "slot"
    UPLOAD = "upload"
    VERSION = "version"
    ZIP = "zip"


def encode(prefix: Prefix, key: UUID) -> str:
    """The public ID of the row with this key."""
    number = key.int
    pairs = [_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(pairs)}"


def decode(prefix: Prefix, text: str) -> UUID | None:
    """The key behind a public ID; None when the text is not an ID of this type."""
    kind, _, suffix = text.rpartition("_")
    if (
        kind != prefix
        or len(suffix) != LENGTH
        or suffix[0] not in _FIRST_CHARACTERS
        or not _VALUES.keys() >= set(suffix)
    ):
        return None
    number = 0
    for character in suffix:
        number = number << 5 | _VALUES[character]
    return UUID(int=number)


def require_key(prefix: Prefix, text: str, *, field: str | None = None) -> UUID:
    """The key behind an ID. Raises :class:`NotFound` for text that is no ID of this type, as for an unknown one.

    ``field`` is the input that holds the ID.
    """
    key = decode(prefix, text)
    if key is None:
        raise NotFound(f"There is no such {prefix}.", field=field)
    return key


def prefix_of(text: str) -> Prefix | None:
    """The type that an ID says it has; None when there is no such type."""
    kind = text.rpartition("_")[0]
    return next((prefix for prefix in Prefix if prefix == kind), None)


def encode_slot(upload_key: UUID, index: int) -> str:
    """The ID of slot ``index`` of an upload. It is for the caches of clients, and cannot be looked up."""
    return f"{encode(Prefix.SLOT, upload_key)}_{index}"
