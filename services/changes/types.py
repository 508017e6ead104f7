"""Pages of the feed of changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.changes.cursors import FeedCursor
from storage.events.models import Event


@dataclass(frozen=True)
class ChangePage:
    """Some changes, in order. ``end`` is the position after them, and ``has_more`` says whether others follow."""

    changes: Sequence[Event]
    end: FeedCursor
    has_more: bool
