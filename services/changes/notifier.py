"""Tells open streams that a drive has changed, so that they show the changes without delay."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from storage.events import events
from storage.progress_stream import EventLog

#: The payload of a notification. The changes themselves are in the database.
CHANGED: dict[str, Any] = {"changed": True}


class ChangeNotifier:
    """Sends notifications of changes. They may be lost: watchers also query the database every second."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def notify(self, account_id: UUID) -> None:
        """Notify the watchers of an account in all processes. Waits for nothing, and raises nothing."""
        self._log.post(str(account_id), CHANGED)

    @contextmanager
    def following_commits(self) -> Iterator[None]:
        """Notify after every commit of changes by this process, during the block."""
        with events.listening(self.notify):
            yield
