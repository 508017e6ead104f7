"""Budgets, subscription leases and metrics of operations, and of the frames of subscriptions."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from resolvers.context import Context
from services.access.scopes import require_scope
from services.access.types import TokenRequirement
from services.accounts.tokens import Viewer
from services.budgets.budgets import Reservation as Reservation
from services.budgets.frame_payments import FramePayment as FramePayment
from services.budgets.frame_rates import FrameRate as FrameRate
from services.budgets.limits import LayerStatus
from services.core.counters import FrameDelay, OperationKind, Outcome


def has_scopes(context: Context) -> bool:
    """Whether the viewer has an API token, which may not use every field."""
    return context.authenticated is not None and context.authenticated.scopes is not None


def require_scopes(context: Context, requirements: Iterable[tuple[str, TokenRequirement]]) -> None:
    """Raise :class:`services.access.errors.Forbidden` if the viewer's API token may not use all of these.

    Each is a name for the error, such as the coordinate of a field, with what it requires.
    """
    for name, requirement in requirements:
        require_scope(context.authenticated, requirement, name)


async def reserve(context: Context, points: int) -> Reservation:
    """Take points from the payer's budgets. Raises :class:`services.budgets.errors.RateLimited`."""
    return await context.services.budgets.reserve(context.payer, points)


async def wait_for_heavy_turn(context: Context) -> None:
    """Wait until this client may keep the event loop busy for long, so that many at once do not delay the others."""
    await context.services.heavy_turns.wait(context.address)


def refund(context: Context, reservation: Reservation, points: int) -> tuple[LayerStatus, ...]:
    """Refund points of a reservation. Returns the status of the payer's layers afterwards."""
    return context.services.budgets.refund(reservation, points)


async def ingest_budget(context: Context) -> LayerStatus | None:
    """The status of the payer's budget for the bytes of chunks; None if they are not limited."""
    layers = await context.services.budgets.read_layers(context.payer)
    return next((layer for layer in layers if layer.unit == "bytes"), None)


@asynccontextmanager
async def open_subscription(context: Context) -> AsyncIterator[FrameRate]:
    """Hold one of the payer's subscription leases while the block runs. It gets the rate of the payer's frames.

    Raises :class:`services.budgets.errors.TooManySubscriptions`.
    """
    services, payer = context.services, context.payer
    async with services.subscription_leases.acquire(payer) as rate:
        with services.counters.subscription(), services.frame_payments.opened(payer):
            yield rate


def watch(context: Context, viewer: Viewer, ended: Callable[[], None]) -> Callable[[], None]:
    """Call ``ended`` when the viewer's session has ended. Call the result to stop that."""
    return context.services.accounts.authentication.watch(viewer, ended)


async def pay_frame(context: Context, points: int) -> FramePayment:
    """Take the price of a frame from the payer's budgets. Raises :class:`services.budgets.errors.RateLimited`."""
    return await context.services.frame_payments.pay(context.payer, points)


def refund_frame(context: Context, payment: FramePayment, points: int) -> tuple[LayerStatus, ...]:
    """Return points that a frame did not use. Returns the status of the payer's layers afterwards."""
    return context.services.frame_payments.refund(context.payer, payment, points)


def count_frame(context: Context, requested: int = 0, actual: int = 0) -> None:
    """Count a frame. The costs, in points, of the first one are counted with its operation."""
    context.services.counters.frame(requested, actual)


def count_delay(context: Context, reason: FrameDelay) -> None:
    """Count a frame that has to wait."""
    context.services.counters.frames_delayed[reason] += 1


def count_rate_limited(context: Context) -> None:
    """Count a subscription that ends because its next frame cannot be paid."""
    context.services.counters.subscriptions_rate_limited += 1


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
