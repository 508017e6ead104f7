"""Secret keys, and a derived key for each purpose."""

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A named secret. ``kid`` identifies the key of a signature; ``secret`` never leaves the server."""

    kid: str
    secret: bytes = field(repr=False)


def derive(key: SecretKey, purpose: str) -> bytes:
    """The 32-byte key for one purpose: HMAC-SHA256 of the secret over ``cloudkeep/<purpose>``.

    A signature for one purpose is therefore never valid for another.
    """
    return hmac.digest(key.secret, b"cloudkeep/" + purpose.encode(), hashlib.sha256)
