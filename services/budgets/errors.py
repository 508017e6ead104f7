"""Errors of budgets: an operation costs too much, or too many subscriptions are open."""

from services.budgets.limits import LayerStatus
from services.core.errors import ErrorCode, RetryLater


class RateLimited(RetryLater):
    """A budget is used up, or cannot be checked at the moment.

    ``layer`` is the budget that refused, ``layers`` is the state of all budgets. ``retry_after`` is the time to wait,
    in seconds; None if waiting does not help, because the cost is above the capacity of the budget.
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
    """The limit of open subscriptions is reached."""

    code = ErrorCode.TOO_MANY_SUBSCRIPTIONS
    status = 429
    retry_after = 10.0
