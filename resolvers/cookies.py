"""The cookies of a request and of its response. The transport decides whether there are any, and carries them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.accounts.errors import CookiesRefused


class CookieName(StrEnum):
    """The cookies of this server, without the prefix that they have on the wire."""

    #: The secret of a session.
    SESSION = "ck"
    #: The token of a device that has signed in before.
    DEVICE = "ck-device"


@dataclass(frozen=True)
class Cookie:
    """A cookie of a response. ``max_age`` is in seconds; 0 deletes it."""

    name: CookieName
    value: str
    max_age: int


@dataclass
class Cookies:
    """The cookies of a request that may use them, and those that its response sets.

    ``refusal`` says why the response cannot set any; None if it can.
    """

    refusal: str | None
    received: Mapping[CookieName, str] = field(default_factory=dict)
    _changes: dict[CookieName, Cookie] = field(default_factory=dict)

    @property
    def changes(self) -> list[Cookie]:
        """The cookies that the response sets. The last change of a name counts."""
        return list(self._changes.values())

    def require(self) -> None:
        """Raise :class:`CookiesRefused` if the response cannot set cookies."""
        if self.refusal:
            raise CookiesRefused(self.refusal, field="cookies")

    def set(self, cookie: Cookie) -> None:
        """Have the response set a cookie. Raises :class:`CookiesRefused`."""
        self.require()
        self._changes[cookie.name] = cookie

    def clear(self, name: CookieName) -> None:
        """Have the response delete a cookie, if it can. The value of a closed session does no harm."""
        if not self.refusal:
            self._changes[name] = Cookie(name, "", 0)
