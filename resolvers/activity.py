"""The activity of the viewer's account."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from resolvers.changes import ViewedChange
from resolvers.context import Context
from resolvers.uploads import WatchedFrame
from services.accounts.tokens import Viewer
from services.activity.watcher import NextFrame
from services.uploads.progress.frame import ProgressFrame


@dataclass(frozen=True)
class ViewedActivity:
    """A change, the progress of an upload, or None for a heartbeat. ``cursor``: the position in the feed after it."""

    cursor: str
    subject: ViewedChange | WatchedFrame | None


@dataclass(frozen=True)
class NextActivity:
    """Something has happened in the account of the viewer."""

    frame: NextFrame
    viewer: Viewer

    def take(self) -> ViewedActivity:
        """What has happened, as it is now. Call it once; the next one comes after that."""
        taken = self.frame.take()
        if taken.subject is None:
            return ViewedActivity(taken.cursor, None)
        if isinstance(taken.subject, ProgressFrame):
            return ViewedActivity(taken.cursor, WatchedFrame(taken.subject, self.viewer))
        return ViewedActivity(taken.cursor, ViewedChange(taken.subject, self.viewer))


async def watch(context: Context, after: str | None) -> AsyncGenerator[NextActivity, None]:
    """The activity of the viewer's account. Raises like :meth:`services.activity.activity.Activity.watch`."""
    viewer = context.viewer
    async with aclosing(context.services.activity.watch(viewer.account_id, after)) as frames:
        async for frame in frames:
            yield NextActivity(frame, viewer)
