"""One-time passwords: the codes of 6 digits that are mailed. Only their keyed hashes are stored."""

import hmac
import secrets
from collections.abc import Sequence
from uuid import UUID

from services.core.keys import SecretKey, derive

PURPOSE = "otp"
#: The guesses that each code allows. The next code needs another mail.
ATTEMPTS = 5


class Codes:
    """Makes and compares codes. Each is bound to the row that waits for it, by the row's key."""

    def __init__(self, keys: Sequence[SecretKey]) -> None:
        self._keys = [derive(key, PURPOSE) for key in keys]

    def new(self) -> str:
        """A random code of 6 digits."""
        return f"{secrets.randbelow(10**6):06}"

    def hash(self, row_id: UUID, code: str) -> str:
        """What is stored in place of the code of this row."""
        return _hash(self._keys[0], row_id, code)

    def matches(self, code_hash: str, row_id: UUID, code: str) -> bool:
        """Whether a code, in the form that :func:`services.core.validation.otp` returns, is the one of this row."""
        return any(hmac.compare_digest(_hash(key, row_id, code), code_hash) for key in self._keys)


def _hash(key: bytes, row_id: UUID, code: str) -> str:
    return hmac.digest(key, f"{row_id} {code}".encode(), "sha256").hex()
