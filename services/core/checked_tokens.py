"""Long-lived secrets that people copy: a prefix that names the kind, 178 random bits, and a checksum.

The prefix and the checksum let scanners recognise a token that was published by mistake, and a mistyped token is
refused without a query. Only the SHA-256 is stored: a guess is hopeless, so a slow hash would add nothing (OWASP ASVS
5.0.0, 6.5.2).
"""

import hashlib
import hmac
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_CHARACTERS = 30
CHECKSUM_CHARACTERS = 6


def new(prefix: str) -> str:
    """A new token. ``prefix`` ends with an underscore."""
    body = prefix + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARACTERS))
    return body + _checksum(body)


def is_well_formed(prefix: str, token: str) -> bool:
    """Whether a text can be a token of this kind: its prefix, length, characters and checksum are right."""
    body, checksum = token[:-CHECKSUM_CHARACTERS], token[-CHECKSUM_CHARACTERS:]
    if len(body) != len(prefix) + SECRET_CHARACTERS or not body.startswith(prefix) or not token.isascii():
        return False
    return set(body[len(prefix) :]) <= set(ALPHABET) and hmac.compare_digest(_checksum(body), checksum)


def digest(token: str) -> str:
    """What is stored in place of a token: its SHA-256 in hexadecimal digits."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _checksum(body: str) -> str:
    """The CRC-32 of the text before it, in base 62."""
    number, characters = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        characters = ALPHABET[digit] + characters
    return characters
