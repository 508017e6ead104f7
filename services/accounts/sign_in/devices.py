"""Device tokens: they tell a device that has signed in to an account before from all others (OWASP, "device cookies").

A device with a valid token has a counter of wrong passwords of its own, so the guesses of others do not delay it. The
token is no credential: without the password it opens nothing, and with a stolen one a thief gets the guesses of one
more client. It is a MAC over the account, a random ID of the device and the time of its issue, and is stored nowhere.

A change of the password does not make the tokens invalid, since an owner who is being attacked must not become a
stranger by choosing a better password. But someone who knew the old one may have collected tokens by signing in many
times. So all devices that have not signed in since the change share one counter.
"""

import base64
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.accounts.types import OpenSession
from services.core.clock import now
from services.core.keys import SecretKey, derive
from storage.accounts import accounts

PURPOSE = "device"
#: A device that has not signed in for as long is forgotten. Every sign-in issues a new token.
LIFETIME = timedelta(days=365)
ID_BYTES, TIME_BYTES, MAC_BYTES = 16, 8, 32
TOKEN_BYTES = 2 * ID_BYTES + TIME_BYTES + MAC_BYTES
#: Base64 needs four characters for three bytes.
TOKEN_CHARACTERS = TOKEN_BYTES * 4 // 3
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The counter of all devices that have not signed in since the password was changed.
OLDER_DEVICES = "older"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that has signed in to an account. ``counter`` names the counter of its wrong passwords."""

    account_id: UUID
    id: UUID
    issued_at: datetime
    is_older: bool = False

    @property
    def counter(self) -> str:
        """The device, or all devices that have not signed in since the password was changed."""
        return OLDER_DEVICES if self.is_older else str(self.id)


class Devices:
    """Issues and recognises device tokens. Signs with the first key and accepts every key."""

    def __init__(self, keys: Sequence[SecretKey]) -> None:
        self._keys = [derive(key, PURPOSE) for key in keys]

    def with_token(self, opened: OpenSession, device: Device | None = None) -> OpenSession:
        """A session with the token of its device: a new one, unless the device has signed in before."""
        return replace(opened, device_token=self.issue(opened.account.id, device))

    async def recognise(self, token: str | None, name: str) -> Device | None:
        """The device of a token; None if it is not valid, or not for the account with this normalised name."""
        device = self.read(token)
        # By the account of the token, and not by the name: so the time does not tell whether the name has an account.
        account = await accounts.find(device.account_id) if device else None
        if not device or not account or name not in (account.user_id, account.email):
            return None
        changed_at = account.password_changed_at
        return replace(device, is_older=changed_at is not None and device.issued_at < changed_at)

    def issue(self, account_id: UUID, device: Device | None = None) -> str:
        """A token for a device that has just signed in."""
        device_id = device.id if device else uuid4()
        body = account_id.bytes + device_id.bytes + ((now() - EPOCH) // MICROSECOND).to_bytes(TIME_BYTES, "big")
        return base64.urlsafe_b64encode(body + _mac(self._keys[0], body)).decode()

    def read(self, token: str | None) -> Device | None:
        """The device of a token of any account; None if it is not valid, or not any more."""
        content = _decode(token or "")
        body, mac = content[:-MAC_BYTES], content[-MAC_BYTES:]
        if not any(hmac.compare_digest(_mac(key, body), mac) for key in self._keys):
            return None
        issued_at = EPOCH + int.from_bytes(body[2 * ID_BYTES :], "big") * MICROSECOND
        if issued_at + LIFETIME < now():
            return None
        return Device(UUID(bytes=body[:ID_BYTES]), UUID(bytes=body[ID_BYTES : 2 * ID_BYTES]), issued_at)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")


def _decode(token: str) -> bytes:
    """The bytes of a token; as many zeros if it is none."""
    if len(token) == TOKEN_CHARACTERS:
        with suppress(ValueError):
            return base64.b64decode(token, b"-_", validate=True)
    return bytes(TOKEN_BYTES)
