"""The credentials of one server, and their form as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Json = dict[str, Any]

#: Accounts of one server whose device tokens are kept, the newest ones. A person rarely has more than two.
MAX_DEVICE_TOKENS = 8


@dataclass(frozen=True)
class StoredSession:
    """A session of an account. ``expires_at`` is when the access token expires."""

    session_id: str
    account_id: str
    user_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime

    def to_json(self) -> Json:
        """The JSON form."""
        return {
            "sessionId": self.session_id,
            "accountId": self.account_id,
            "userId": self.user_id,
            "accessToken": self.access_token,
            "refreshToken": self.refresh_token,
            "expiresAt": self.expires_at.isoformat(),
        }

    @classmethod
    def of(cls, value: Json) -> "StoredSession":
        """The session of this JSON form. Raises KeyError, TypeError and ValueError for any other value."""
        expires_at = datetime.fromisoformat(value["expiresAt"])
        if expires_at.tzinfo is None:
            raise ValueError("a time without a time zone")
        return cls(
            _text(value["sessionId"]),
            _text(value["accountId"]),
            _text(value["userId"]),
            _text(value["accessToken"]),
            _text(value["refreshToken"]),
            expires_at,
        )


@dataclass(frozen=True)
class ServerCredentials:
    """What is kept for one server: the session, if someone is signed in, and a device token for each user ID.

    A device token opens nothing. It shows the server that this device signed in before, so that failed sign-ins of
    other people do not delay this device. It is kept after a logout, because that is when it is needed.
    """

    session: StoredSession | None = None
    device_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)

    def with_session(self, session: StoredSession | None, device_token: str | None = None) -> "ServerCredentials":
        """These credentials with another session, and with its device token if there is one."""
        tokens = dict(self.device_tokens)
        if session and device_token:
            tokens.pop(session.user_id, None)
            tokens[session.user_id] = device_token
        return replace(self, session=session, device_tokens=dict([*tokens.items()][-MAX_DEVICE_TOKENS:]))

    def device_token_for(self, name: str) -> str | None:
        """The device token for a sign-in with this name.

        A user ID has its own. For an address it is the newest one; the server ignores that of another account.
        """
        if "@" in name:
            return next(reversed([*self.device_tokens.values()]), None)
        return self.device_tokens.get(name.strip().lower())

    def to_json(self) -> Json:
        """The JSON form."""
        session = self.session.to_json() if self.session else None
        return {"session": session, "deviceTokens": dict(self.device_tokens)}

    @classmethod
    def of(cls, value: Json) -> "ServerCredentials":
        """The credentials of this JSON form. Raises KeyError, TypeError and ValueError for any other value."""
        session = StoredSession.of(value["session"]) if value["session"] is not None else None
        return cls(session, {_text(name): _text(token) for name, token in dict(value["deviceTokens"]).items()})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
