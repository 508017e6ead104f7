"""The text of API tokens: a prefix, 30 random characters, and a checksum of 6 characters.

The prefix lets scanners find a token that was published by mistake. The checksum lets them, and this server, recognise
a token that was mistyped or cut off without a query. It is no proof: only the database knows which tokens exist.
"""

import hashlib
import secrets
import zlib
from string import ascii_letters, digits

ALPHABET = digits + ascii_letters
PREFIX = "ckp_"
#: 178 bits. A plain SHA-256 is enough for so many (OWASP ASVS 5.0.0, 6.5.2: 112 bits).
RANDOM_CHARACTERS = 30
#: Enough for the 32 bits of a CRC-32.
CHECKSUM_CHARACTERS = 6
LENGTH = len(PREFIX) + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS
#: The characters that a list of tokens shows.
SHOWN_CHARACTERS = 4


def new_token() -> str:
    """The text of a new token."""
    body = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return body + _checksum(body)


def looks_like_one(text: str) -> bool:
    """Whether a bearer token is an API token by its prefix. It may be mistyped."""
    return text.startswith(PREFIX)


def is_well_formed(text: str) -> bool:
    """Whether the text has the form and the checksum of a token."""
    if len(text) != LENGTH or not text.isascii() or not looks_like_one(text):
        return False
    body, checksum = text[:-CHECKSUM_CHARACTERS], text[-CHECKSUM_CHARACTERS:]
    return _checksum(body) == checksum


def digest(text: str) -> str:
    """The SHA-256 of a token, which is stored in its place."""
    return hashlib.sha256(text.encode()).hexdigest()


def last_characters(text: str) -> str:
    """The last characters of a token, by which its owner recognises it."""
    return text[-SHOWN_CHARACTERS:]


def _checksum(body: str) -> str:
    """The CRC-32 of the text as a number in base 62, with leading zeros."""
    number, characters = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, position = divmod(number, len(ALPHABET))
        characters = ALPHABET[position] + characters
    return characters
