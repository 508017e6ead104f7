"""Errors of budgets: too much was asked for, or too many subscriptions are open."""

from services.budgets.limits import LayerStatus
from services.core.errors import ErrorCode, RetryLater


class RateLimited(RetryLater):
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
        """The code, ``retryAfter``, and ``layer``: the budget that refused."""
        return {**super().extensions, "layer": self.layer}


class TooManySubscriptions(RetryLater):
    """As many subscriptions as are allowed are open."""

    code = ErrorCode.TOO_MANY_SUBSCRIPTIONS
    status = 429
    retry_after = 10.0
