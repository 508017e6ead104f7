"""The subscription to everything that happens in an account."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, cast

import strawberry

from resolvers import activity
from resolvers.activity import NextActivity
from resolvers.changes import ViewedChange
from resolvers.uploads import WatchedFrame
from schema.changes.types import ActivityEvent, Change, Heartbeat
from schema.cost.directives import Cost
from schema.execution.newest_event import DeferredEvent
from schema.relay.node import RequestInfo
from schema.scopes.directives import READ
from schema.uploads.progress import UploadProgress

AFTER = strawberry.argument(
    description="The last `cursor` that the client has received, or another cursor of the feed of changes. All changes "
    "since then come first. Without it, changes begin with the next one."
)


class NextEvent(DeferredEvent):
    """An event that is taken when it is paid."""

    def __init__(self, upcoming: NextActivity) -> None:
        self._upcoming = upcoming

    def take(self) -> ActivityEvent:
        """See :class:`DeferredEvent`."""
        taken = self._upcoming.take()
        match taken.subject:
            case ViewedChange():
                return Change.of(taken.subject)
            case WatchedFrame():
                return UploadProgress.of(taken.subject, taken.cursor)
            case None:
                return Heartbeat(cursor=taken.cursor)


@strawberry.type
class ActivitySubscriptions:
    @strawberry.subscription(
        description="Everything that happens in the viewer's account, on one stream: changes of the drive, each once "
        "and in order, and the progress of all uploads, each at most four times a second. First come all changes after "
        "`after`, then the progress of every open upload, and then a heartbeat; an upload that the client took for "
        "open and that did not come by then has ended. Each event costs 1 point, and what it selects. While the budget "
        "has too few points, changes wait, and the newest progress of an upload replaces an older one; after 30 "
        "seconds the subscription ends with RATE_LIMITED: start it again after `retryAfter` seconds, with the last "
        "`cursor`. With CURSOR_EXPIRED, list the drive again. A client that was away for long reads `changes` first, "
        "which is faster.",
        # For a lease in Redis, and the first changes and states of uploads. The frames are paid for one by one.
        directives=[Cost(weight="10"), READ],
    )
    async def activity(
        self, info: RequestInfo, after: Annotated[str | None, AFTER] = None
    ) -> AsyncGenerator[ActivityEvent, None]:
        async with aclosing(activity.watch(info.context, after)) as upcoming:
            async for each in upcoming:
                yield cast(ActivityEvent, NextEvent(each))
