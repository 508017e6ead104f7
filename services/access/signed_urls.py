"""Signed capability URLs: an HMAC (RFC 2104) over the permission, the resource and the expiry.

Such a URL outlives the session it was made in, which a long upload needs, and allows nothing else. The expiry is
rounded up to the full hour, so that repeated requests get the same URL and a browser can cache its content.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from services.access.types import Disposition
from services.core.clock import host_now
from services.core.errors import UrlExpired, UrlInvalid
from services.core.ids import Prefix, encode
from services.core.keys import SecretKey, derive

PURPOSE = "url"
#: The paths of signed URLs. The table of routes has the same templates.
SLOT_PATH = "/uploads/{upload_id}/chunks/{index}"
#: Takes the bytes of several slots, by their URLs.
SMALL_CHUNKS_PATH = "/uploads/chunks"
VERSION_PATH = "/versions/{id}/content"
RENDITION_PATH = "/renditions/{id}/content"
ZIP_PATH = "/zips/{id}/content"
HOUR = 3600


@dataclass(frozen=True)
class SlotAuthorization:
    """Permission to fill slot ``index`` of an upload with exactly ``size`` bytes."""

    upload_id: UUID
    index: int
    size: int


class SignedUrls:
    """Makes and checks signed URLs. The signature covers the path, so that a URL holds by every name of the server."""

    def __init__(self, keys: Sequence[SecretKey], lifetime: timedelta) -> None:
        self._signing = keys[0].kid
        self._keys = {key.kid: derive(key, PURPOSE) for key in keys}
        self._lifetime = int(lifetime.total_seconds())

    def slot(self, authorization: SlotAuthorization, base_url: str) -> str:
        """The URL below ``base_url`` for the slot's bytes, by PUT or POST."""
        path = _slot_path(authorization)
        return self._url(base_url, path, f"fill {path} {authorization.size}", {"size": authorization.size})

    def version(self, version_id: UUID, base_url: str, disposition: Disposition = Disposition.ATTACHMENT) -> str:
        """The URL below ``base_url`` of the bytes of a version."""
        return self._download(base_url, VERSION_PATH.format(id=encode(Prefix.VERSION, version_id)), disposition)

    def rendition(self, rendition_id: UUID, base_url: str, disposition: Disposition = Disposition.ATTACHMENT) -> str:
        """The URL below ``base_url`` of a rendition's bytes."""
        return self._download(base_url, RENDITION_PATH.format(id=encode(Prefix.RENDITION, rendition_id)), disposition)

    def zip(self, zip_id: UUID, expires_at: datetime, base_url: str) -> str:
        """The URL below ``base_url`` of a zip file, which exists until ``expires_at``."""
        path = ZIP_PATH.format(id=encode(Prefix.ZIP, zip_id))
        return self._url(base_url, path, f"read {path}", {}, int(expires_at.timestamp()))

    def check_slot(self, authorization: SlotAuthorization, expires: str, signature: str) -> None:
        """Raises :class:`UrlInvalid` for a forged or altered URL and :class:`UrlExpired` for an expired one."""
        path = _slot_path(authorization)
        self._check(f"fill {path} {authorization.size}", expires, signature)

    def check_download(self, path: str, expires: str, signature: str, disposition: str = "") -> Disposition:
        """The disposition that a URL was signed for. ``disposition`` is what its query says, if anything.

        Raises :class:`UrlInvalid` for a forged or altered URL and :class:`UrlExpired` for an expired one.
        """
        signed = Disposition.INLINE if disposition == Disposition.INLINE else Disposition.ATTACHMENT
        self._check(_read_permission(path, signed), expires, signature)
        return signed

    def _download(self, base_url: str, path: str, disposition: Disposition) -> str:
        parameters = {"disposition": disposition.value} if disposition is Disposition.INLINE else {}
        return self._url(base_url, path, _read_permission(path, disposition), parameters)

    def expires_at(self) -> datetime:
        """The expiry of a URL that is signed now."""
        return datetime.fromtimestamp(self._expiry(), UTC)

    def _expiry(self) -> int:
        return -(-(int(host_now().timestamp()) + self._lifetime) // HOUR) * HOUR

    def _url(
        self, base_url: str, path: str, permission: str, parameters: Mapping[str, object], expires: int | None = None
    ) -> str:
        expires = self._expiry() if expires is None else expires
        signature = self._sign(self._signing, f"{permission} {expires}")
        return f"{base_url}{path}?{urlencode({**parameters, 'expires': expires, 'signature': signature})}"

    def _check(self, permission: str, expires: str, signature: str) -> None:
        kid = signature.partition(".")[0]
        known = kid in self._keys and expires.isascii() and expires.isdigit()
        if not known or not hmac.compare_digest(
            self._sign(kid, f"{permission} {expires}").encode(), signature.encode()
        ):
            raise UrlInvalid("This URL was not made by this server, or it was altered.")
        if int(expires) < host_now().timestamp():
            raise UrlExpired("This URL has expired. Ask for a new one.")

    def _sign(self, kid: str, message: str) -> str:
        digest = hmac.digest(self._keys[kid], message.encode(), "sha256")
        return f"{kid}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def longest_lifetime(lifetime: timedelta) -> timedelta:
    """The longest time for which a URL, or a zip file, may be valid if ``lifetime`` is that of the settings.

    The expiry is rounded up to the full hour. The second hour is for clocks that differ, and for a zip file that is
    created in the moment in which its files are deleted.
    """
    return lifetime + timedelta(seconds=2 * HOUR)


def _read_permission(path: str, disposition: Disposition) -> str:
    return f"show {path}" if disposition is Disposition.INLINE else f"read {path}"


def _slot_path(authorization: SlotAuthorization) -> str:
    upload_id = encode(Prefix.UPLOAD, authorization.upload_id)
    return SLOT_PATH.format(upload_id=upload_id, index=authorization.index)
