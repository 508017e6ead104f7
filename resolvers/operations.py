"""Budgets, subscription leases and metrics of operations."""

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
    """Refund points of a reservation. Returns the status of the payer's layers afterwards."""
    return context.services.budgets.refund(reservation, points)


async def ingest_budget(context: Context) -> LayerStatus | None:
    """The status of the payer's budget for the bytes of chunks; None if they are not limited."""
    layers = await context.services.budgets.read_layers(context.payer)
    return next((layer for layer in layers if layer.unit == "bytes"), None)


@asynccontextmanager
async def open_subscription(context: Context) -> AsyncIterator[None]:
    """Hold one of the payer's subscription leases while the block runs.

    Raises :class:`services.budgets.errors.TooManySubscriptions`.
    """
    async with context.services.subscription_leases.acquire(context.payer):
        with context.services.counters.subscription():
            yield


def count_overrun(context: Context) -> None:
    """Count an operation that has cost more than its price, which is a defect."""
    context.services.counters.cost_overruns += 1


def count_operation(
    context: Context, kind: OperationKind, outcome: Outcome, *, error_code: str | None, seconds: float
) -> None:
    """Count an operation, with the seconds until its response and the code of its first error."""
    admission, counters = context.admission, context.services.counters
    requested, actual = (0, 0) if outcome == "refused" else (admission.requested, admission.actual or 0)
    counters.operation(kind, outcome, requested, actual, seconds)
    if error_code:
        counters.operation_errors[kind, error_code] += 1
