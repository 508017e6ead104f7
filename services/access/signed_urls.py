"""URLs that carry their own right: an HMAC over what may be done, on what, and until when (RFC 2104).

Such a URL survives the end of the session it was made in, which a long upload needs, and opens nothing else. Expiry is
rounded up to the full hour, so that a URL asked for twice is the same and a browser's cache can use it.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from services.core.clock import now
from services.core.errors import UrlExpired, UrlInvalid
from services.core.keys import SecretKey, derive

PURPOSE = "url"
#: Where the endpoints are that signed URLs lead to; the table of routes has the same templates.
SLOT_PATH = "/uploads/{upload_id}/chunks/{index}"
FILE_PATH = "/files/{id}/content"
RENDITION_PATH = "/renditions/{id}/content"
HOUR = 3600


@dataclass(frozen=True)
class SlotAuthorization:
    """The right to fill slot ``index`` of an upload with exactly ``size`` bytes."""

    upload_id: UUID
    index: int
    size: int


class SignedUrls:
    """Makes and checks signed URLs below the server's public address."""

    def __init__(self, keys: Sequence[SecretKey], public_url: str, lifetime: timedelta) -> None:
        self._signing = keys[0].kid
        self._keys = {key.kid: derive(key, PURPOSE) for key in keys}
        self._public_url = public_url
        self._lifetime = int(lifetime.total_seconds())

    def slot(self, right: SlotAuthorization) -> str:
        """Where the slot's bytes go, by PUT or POST."""
        path = SLOT_PATH.format(upload_id=right.upload_id, index=right.index)
        return self._url(path, f"fill {path} {right.size}", {"size": right.size})

    def file(self, file_id: UUID) -> str:
        """Where a file's bytes are."""
        return self._download(FILE_PATH.format(id=file_id))

    def rendition(self, rendition_id: UUID) -> str:
        """Where a rendition's bytes are."""
        return self._download(RENDITION_PATH.format(id=rendition_id))

    def check_slot(self, right: SlotAuthorization, expires: str, signature: str) -> None:
        """Raises :class:`UrlInvalid` on a forged or altered URL and :class:`UrlExpired` on one past its time."""
        path = SLOT_PATH.format(upload_id=right.upload_id, index=right.index)
        self._check(f"fill {path} {right.size}", expires, signature)

    def check_download(self, path: str, expires: str, signature: str) -> None:
        """Raises :class:`UrlInvalid` on a forged or altered URL and :class:`UrlExpired` on one past its time."""
        self._check(f"read {path}", expires, signature)

    def _download(self, path: str) -> str:
        return self._url(path, f"read {path}", {})

    def expires_at(self) -> datetime:
        """Until when a URL holds that is made now."""
        return datetime.fromtimestamp(self._expiry(), UTC)

    def _expiry(self) -> int:
        return -(-(int(now().timestamp()) + self._lifetime) // HOUR) * HOUR

    def _url(self, path: str, right: str, parameters: dict[str, object]) -> str:
        expires = self._expiry()
        signature = self._sign(self._signing, f"{right} {expires}")
        return f"{self._public_url}{path}?{urlencode({**parameters, 'expires': expires, 'signature': signature})}"

    def _check(self, right: str, expires: str, signature: str) -> None:
        kid = signature.partition(".")[0]
        known = kid in self._keys and expires.isascii() and expires.isdigit()
        if not known or not hmac.compare_digest(self._sign(kid, f"{right} {expires}").encode(), signature.encode()):
            raise UrlInvalid("This URL was not made by this server, or it was altered.")
        if int(expires) < now().timestamp():
            raise UrlExpired("This URL has expired. Ask for a new one.")

    def _sign(self, kid: str, message: str) -> str:
        digest = hmac.digest(self._keys[kid], message.encode(), "sha256")
        return f"{kid}.{urlsafe_b64encode(digest).decode().rstrip('=')}"
