"""Errors of budgets: too much was asked for, or too many subscriptions are open."""

import math
from typing import ClassVar

from services.budgets.limits import LayerStatus
from services.core.errors import CloudKeepError, ErrorCode


class RateLimited(CloudKeepError):
    """A budget is used up, or nobody can tell at the moment.

    ``layer`` is the budget that refused, ``layers`` all that were asked, as they are. ``retry_after`` is how many
    seconds to wait for it; None when waiting does not help, because the cost is more than the budget ever holds.
    """

    code = ErrorCode.RATE_LIMITED
    status = 429

    def __init__(
        self,
        message: str,
        *,
        layer: str,
        retry_after: float | None = None,
        layers: tuple[LayerStatus, ...] = (),
    ) -> None:
        super().__init__(message)
        self.layer = layer
        self.retry_after = retry_after
        self.layers = layers

    @property
    def extensions(self) -> dict[str, object]:
        """``retryAfter`` in seconds, rounded up to the millisecond, or null; ``layer`` is the budget that refused."""
        retry_after = None if self.retry_after is None else math.ceil(1000 * self.retry_after) / 1000
        return {**super().extensions, "retryAfter": retry_after, "layer": self.layer}


class TooManySubscriptions(CloudKeepError):
    """As many subscriptions as are allowed are open. ``retry_after``: seconds until another try makes sense."""

    code = ErrorCode.TOO_MANY_SUBSCRIPTIONS
    status = 429
    retry_after: ClassVar[float] = 10.0

    @property
    def extensions(self) -> dict[str, object]:
        """Beside the code, when to try again."""
        return {**super().extensions, "retryAfter": self.retry_after}
