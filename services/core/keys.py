"""Secret keys, and the one way in which every purpose gets a key of its own out of them."""

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A named secret. ``kid`` travels beside a signature and tells which key checks it; ``secret`` never leaves us."""

    kid: str
    secret: bytes = field(repr=False)


def derive(key: SecretKey, purpose: str) -> bytes:
    """The 32-byte key for one purpose: HMAC-SHA256 of the secret over ``cloudkeep/<purpose>``.

    What is signed for one purpose can therefore never pass for another.
    """
    return hmac.digest(key.secret, b"cloudkeep/" + purpose.encode(), hashlib.sha256)
