"""Which sessions are open: neither closed nor expired, and of an account that is not disabled.

An access token alone does not show that, because it is valid until it expires (OWASP ASVS 5.0.0, 7.4.1 and 7.4.2).
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.accounts.live_checks import LiveChecks
from services.accounts.sessions.session_limits import SessionLimits
from services.core.clock import now
from storage.accounts import sessions as rows


class LiveSessions(LiveChecks):
    """The sessions that requests and streams of this process use."""

    def __init__(self, limits: SessionLimits) -> None:
        super().__init__(self._find_open)
        self._limits = limits

    async def _find_open(self, session_ids: Sequence[UUID]) -> Collection[UUID]:
        moment = now()
        return await rows.find_open(session_ids, moment, moment - self._limits.absolute)
