"""Creates, recognises and revokes API tokens."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from services.accounts.api_tokens.mails import ApiTokenMails
from services.accounts.api_tokens.use import ApiTokenUse
from services.accounts.errors import TooManyApiTokens, Unauthenticated
from services.accounts.live_checks import LiveChecks
from services.accounts.recent_reads import RecentReads
from services.accounts.tokens import Viewer
from services.accounts.types import ApiTokenScope, NewApiToken
from services.core import checked_tokens, validation
from services.core.clock import now
from services.core.errors import InvalidInput
from services.core.validation import Checks
from storage.accounts import api_tokens as rows
from storage.accounts.models import ApiToken
from storage.database.pages import Window
from storage.errors import LimitReached

#: Every bearer token that begins with it is an API token, perhaps a mistyped one.
PREFIX = "ckp_"
#: The characters at the end of a token by which its owner recognises it in a list.
SHOWN_CHARACTERS = 4
REFUSED = "The API token is invalid, was revoked, or has expired."
MISTYPED = "The API token is not complete or has a typing error: its last characters do not fit the others."


class ApiTokens:
    """Creates, finds and revokes tokens, and recognises them. An account has at most ``limit`` that are valid."""

    def __init__(self, use: ApiTokenUse, mails: ApiTokenMails, limit: int) -> None:
        self._limit = limit
        self._mails = mails
        self._use = use
        self._recent: RecentReads[str, Viewer] = RecentReads(_read)
        #: What streams of this process check.
        self.live = LiveChecks(_find_live)

    async def viewer_of(self, token: str) -> Viewer:
        """The viewer of a token. Raises :class:`Unauthenticated`.

        A token with a typing error is refused without a query. One that was revoked, or whose account was disabled, is
        refused after ``RecentReads``' life at the latest.
        """
        if not checked_tokens.is_well_formed(PREFIX, token):
            raise Unauthenticated(MISTYPED)
        viewer = await self._recent.get(checked_tokens.digest(token))
        if viewer is None or viewer.has_expired or viewer.api_token_id is None:
            raise Unauthenticated(REFUSED)
        self._use.record(viewer.api_token_id)
        return viewer

    async def create(
        self,
        account_id: UUID,
        *,
        name: str,
        scopes: Sequence[ApiTokenScope],
        expires_at: datetime | None,
        session_id: UUID | None = None,
    ) -> NewApiToken:
        """Create a token, in a session if there is one.

        Raises :class:`InvalidInput`, :class:`TooManyApiTokens`, and :class:`Unauthenticated` if the session was closed.
        """
        with Checks() as check:
            name = check(validation.person_name, name, field="name")
            granted = check(_scopes, scopes)
            expires_at = check(_expiry, expires_at)
        secret = checked_tokens.new(PREFIX)
        row = ApiToken(
            id=uuid7(),
            account_id=account_id,
            name=name,
            secret_hash=checked_tokens.digest(secret),
            last_characters=secret[-SHOWN_CHARACTERS:],
            scopes=granted,
            created_at=now(),
            expires_at=expires_at,
        )
        await self._store(row, session_id)
        return NewApiToken(row, secret)

    async def _store(self, row: ApiToken, session_id: UUID | None) -> None:
        """Store a token, and a mail about it. For errors see :meth:`create`."""
        moment = now()
        try:
            await rows.insert(
                row,
                self._limit,
                moment,
                session_id=session_id,
                and_then=lambda: self._mails.queue(row, moment),
            )
        except rows.SessionClosed as error:
            raise Unauthenticated("The session has ended. Sign in again.") from error
        except LimitReached as error:
            message = f"An account may have {self._limit} API tokens. Revoke one first."
            raise TooManyApiTokens(message) from error
        await self._mails.notify_workers()

    async def find(self, token_id: UUID) -> ApiToken | None:
        """The token with this key, of any account."""
        return await rows.find(token_id)

    async def page(self, account_id: UUID, window: Window[UUID]) -> Sequence[ApiToken]:
        """A window of the tokens of an account, the newest one first. Expired ones are included."""
        return await rows.page(account_id, window)

    async def count(self, account_id: UUID) -> int:
        """The number of an account's tokens."""
        return await rows.count(account_id)

    async def revoke(self, row: ApiToken) -> None:
        """Revoke a token: in this process at once, in others within two seconds."""
        await rows.delete(row.id)
        self._recent.forget(row.secret_hash)


async def _read(secret_hashes: Sequence[str]) -> Mapping[str, Viewer]:
    found = await rows.find_usable(secret_hashes)
    return {secret_hash: _viewer(row) for secret_hash, row in found.items()}


async def _find_live(token_ids: Sequence[UUID]) -> Collection[UUID]:
    return await rows.find_live(token_ids, now())


def _viewer(row: rows.UsableApiToken) -> Viewer:
    return Viewer(row.account_id, expires_at=row.expires_at, api_token_id=row.id, scopes=known_scopes(row.scopes))


def known_scopes(stored: Collection[str]) -> frozenset[ApiTokenScope]:
    """The scopes of a row. One that a newer version has stored allows nothing."""
    return frozenset(scope for scope in ApiTokenScope if scope in stored)


def _scopes(scopes: Sequence[ApiTokenScope]) -> list[str]:
    if not scopes:
        raise InvalidInput("A token needs at least one scope.", field="scopes")
    return [scope.value for scope in ApiTokenScope if scope in scopes]


def _expiry(expires_at: datetime | None) -> datetime | None:
    """The expiry in UTC. It is in the future."""
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise InvalidInput("The expiry needs its offset from UTC, as in 2027-01-31T00:00:00Z.", field="expiresAt")
    try:
        moment = expires_at.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("The expiry is outside of the years 1 to 9999.", field="expiresAt") from None
    if moment <= now():
        raise InvalidInput("The expiry must be in the future.", field="expiresAt")
    return moment
