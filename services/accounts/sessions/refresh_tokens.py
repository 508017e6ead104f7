"""Refresh tokens: ``SESSION.SECRET.TAG``, of which the server stores only the SHA-256.

The tag is an HMAC over the session and the secret. It shows that the server has issued the token, also when the token
is no longer the newest of its session. Tokens of version 0.1 have no tag.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.core.keys import SecretKey, derive

SUCCESSOR_PURPOSE = "refresh-token"
TAG_PURPOSE = "refresh-token-tag"


@dataclass(frozen=True)
class _Keys:
    """The keys that are derived from one secret key."""

    successor: bytes
    tag: bytes


class RefreshTokens:
    """Issues with the first key and accepts every key, so that keys can be rotated without ending sessions."""

    def __init__(self, keys: Sequence[SecretKey]) -> None:
        self._keys = [_Keys(derive(key, SUCCESSOR_PURPOSE), derive(key, TAG_PURPOSE)) for key in keys]

    def first(self, session_id: UUID) -> str:
        """A new, random token."""
        return _tagged(self._keys[0], f"{session_id}.{secrets.token_urlsafe(32)}")

    def successor(self, session_id: UUID, token: str) -> str:
        """The successor of a token: always the same, and secret without the key."""
        return next(self.successors(session_id, token))

    def successors(self, session_id: UUID, token: str) -> Iterator[str]:
        """The successor of a token under each key, beginning with the newest key."""
        for keys in self._keys:
            secret = hmac.digest(keys.successor, _bytes(token), "sha256")
            yield _tagged(keys, f"{session_id}.{_text(secret)}")

    def is_authentic(self, token: str) -> bool:
        """Whether the server has issued this token, under a key that it still has."""
        untagged, _, _ = token.rpartition(".")
        return any(hmac.compare_digest(_bytes(_tagged(keys, untagged)), _bytes(token)) for keys in self._keys)


def session_of(token: str) -> UUID | None:
    """The session that a token names; None if it names none."""
    try:
        return UUID(token.partition(".")[0])
    except ValueError:
        return None


def digest(token: str) -> str:
    """The SHA-256 of a token, in hex. The secret is random, so a faster hash than that of passwords is enough."""
    return hashlib.sha256(_bytes(token)).hexdigest()


def _tagged(keys: _Keys, untagged: str) -> str:
    return f"{untagged}.{_text(hmac.digest(keys.tag, _bytes(untagged), 'sha256'))}"


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    return token.encode(errors="replace")
