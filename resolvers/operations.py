"""What running an operation takes from its payer, and what is counted of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resolvers.context import Context
from services.budgets.budgets import Reservation as Reservation
from services.budgets.limits import LayerStatus
from services.core.counters import OperationKind, Outcome


async def reserve(context: Context, points: int) -> Reservation:
    """Take points from the payer's budgets. Raises :class:`services.budgets.errors.RateLimited`."""
    return await context.services.budgets.reserve(context.payer, points)


def refund(context: Context, reservation: Reservation, points: int) -> tuple[LayerStatus, ...]:
    """Give points of a reservation back; returns the payer's layers as they are then."""
    return context.services.budgets.refund(reservation, points)


async def ingest_budget(context: Context) -> LayerStatus | None:
    """The payer's layer for the bytes of chunks; None where they are not limited."""
    layers = await context.services.budgets.read_layers(context.payer)
    return next((layer for layer in layers if layer.unit == "bytes"), None)


@asynccontextmanager
async def open_subscription(context: Context) -> AsyncIterator[None]:
    """Hold a lease of the payer's for a subscription while the block runs.

    Raises :class:`services.budgets.errors.TooManySubscriptions`.
    """
    async with context.services.subscription_leases.acquire(context.payer):
        with context.services.counters.subscription():
            yield


def count_overrun(context: Context) -> None:
    """Count an answer that cost more than its price, which is a defect."""
    context.services.counters.cost_overruns += 1


def count_operation(
    context: Context, kind: OperationKind, outcome: Outcome, *, error_code: str | None, seconds: float
) -> None:
    """Count an operation that was answered, ``seconds`` after it came, and the code of its first error."""
    admission, counters = context.admission, context.services.counters
    requested, actual = (0, 0) if outcome == "refused" else (admission.requested, admission.actual or 0)
    counters.operation(kind, outcome, requested, actual, seconds)
    if error_code:
        counters.operation_errors[kind, error_code] += 1
