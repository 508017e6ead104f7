"""Mails that the process itself sends in a moment, because they must not be stored."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from services.core.counters import Counters, MailOutcome
from services.mail.kinds import MailKind
from storage.mail import Mail, Mailer, MailError

logger = logging.getLogger("cloudkeep.mail")

#: Mails that wait or are being sent: eight a second, if the mail server accepts nothing for half a minute.
LIMIT = 256
#: Seconds between two attempts. All attempts together take about a minute, and a code is valid for ten.
PAUSES = (2.0, 8.0, 20.0, 30.0)
#: Seconds for the mails that still wait when the process stops. It has 7.5 seconds for everything.
CLOSE_SECONDS = 2.0


class InProcessQueue:
    """Makes a few attempts at each mail. One that waits for its next attempt delays no other."""

    def __init__(self, mailer: Mailer, counters: Counters) -> None:
        self._mailer = mailer
        self._counters = counters
        self._sending: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def put(self, kind: MailKind, compose: Callable[[], Mail]) -> None:
        """Compose and send a mail soon. It is dropped if ``LIMIT`` mails are not done yet."""
        if len(self._sending) >= LIMIT or self._closing.is_set():
            logger.warning("a mail of the kind %s was dropped, because too many wait", kind)
            self._count(kind, "dropped")
            return
        task = asyncio.create_task(self._send(kind, compose), name="mail")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        """Make the last attempt at each mail now. After ``CLOSE_SECONDS``, the others are dropped."""
        self._closing.set()
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _send(self, kind: MailKind, compose: Callable[[], Mail]) -> None:
        outcome: MailOutcome = "dropped"
        try:
            outcome = await self._repeat(kind, compose())
        except Exception:
            # Nothing awaits this task that could log the error.
            logger.exception("a mail of the kind %s was dropped", kind)
        finally:
            self._count(kind, outcome)

    async def _repeat(self, kind: MailKind, mail: Mail) -> MailOutcome:
        for pause in (*PAUSES, None):
            try:
                await self._mailer.send(mail)
                return "sent"
            except MailError as error:
                logger.warning("a mail of the kind %s was not sent: %s", kind, error)
                if error.is_permanent:
                    return "refused"
            if pause is None or self._closing.is_set():
                break
            self._count(kind, "retried")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)
        return "given_up"

    def _count(self, kind: MailKind, outcome: MailOutcome) -> None:
        self._counters.mails[kind.value, outcome] += 1
