"""The frames of a subscription. Each is paid for before its selection runs.

A frame that cannot be paid at once waits, and a newer one replaces it: progress is late, but never wrong, and the last
frame is always sent. A frame that waits for too long ends the subscription.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from time import monotonic
from typing import Any

from graphql import ExecutionResult as Response
from graphql import GraphQLError, execute_subscription_event
from strawberry.types import ExecutionResult

from resolvers import operations
from resolvers.context import Admission
from resolvers.operations import FramePayment, FrameRate
from schema.execution.admission import Admitted, Request
from schema.execution.newest_event import DeferredEvent, NewestEvent
from schema.execution.results import first_result, later_result
from services.budgets.errors import RateLimited

#: The most seconds that a frame waits for points. Every account gets the price of any operation within this time,
#: unless it spends its points on something else. After a longer wait the client gets an error, and resumes later.
MAX_WAIT_SECONDS = 30.0
#: The least seconds between two attempts to pay for a frame: no frame comes earlier after the one before.
MIN_WAIT_SECONDS = 0.25
#: Frames of so many points wait for their turn. One of 1,000 points takes about 60 ms.
HEAVY_POINTS = 100


class Frames:
    """The frames of one subscription."""

    def __init__(self, admitted: Admitted, request: Request, rate: FrameRate) -> None:
        self._admitted = admitted
        self._context = admitted.context
        self._request = request
        self._rate = rate
        self._has_started = False
        self._cost = admitted.operation.frame(admitted.executor.variable_values.coerced)

    async def results(self, source: AsyncIterator[Any]) -> AsyncGenerator[ExecutionResult, None]:
        """The result of every frame. The first one is a part of the operation's price. Raises :class:`RateLimited`."""
        events = NewestEvent(source)
        async with aclosing(self._each(events)) as results:
            try:
                async for result in results:
                    yield result
            finally:
                await events.close()

    async def _each(self, events: NewestEvent) -> AsyncGenerator[ExecutionResult, None]:
        while True:
            try:
                event = await events.next()
            except StopAsyncIteration:
                return
            yield await (self._later(events, event) if self._has_started else self._first(event))

    def last_result(self, error: Exception) -> ExecutionResult:
        """The result of an error that ends the subscription."""
        response = Response(None, [GraphQLError(str(error), original_error=error)])
        if not self._has_started:
            self._admitted.refund_unused(response)
            return first_result(self._admitted, self._request, response)
        layers = error.layers if isinstance(error, RateLimited) else self._context.admission.layers
        return later_result(response, Admission(self._cost.price, None, layers), self._request.extensions)

    async def _first(self, event: Any) -> ExecutionResult:
        response = await self._run(event)
        self._has_started = True
        self._admitted.refund_unused(response)
        operations.count_frame(self._context)
        return first_result(self._admitted, self._request, response)

    async def _later(self, events: NewestEvent, event: Any) -> ExecutionResult:
        if delay := self._rate.take():
            operations.count_delay(self._context, "rate")
            event = await events.wait(event, delay)
        event, payment = await self._pay(events, event)
        response = await self._run(event)
        admission = self._settle(payment, response)
        operations.count_frame(self._context, admission.requested, admission.actual or 0)
        return later_result(response, admission, self._request.extensions)

    async def _pay(self, events: NewestEvent, event: Any) -> tuple[Any, FramePayment]:
        """Pay for the newest event. Raises :class:`RateLimited` if that is not possible in time."""
        give_up_at = monotonic() + MAX_WAIT_SECONDS
        is_delayed = False
        while True:
            try:
                return event, await operations.pay_frame(self._context, self._cost.price)
            except RateLimited as error:
                wait = error.retry_after
                if wait is None or monotonic() + wait > give_up_at:
                    operations.count_rate_limited(self._context)
                    raise
            if not is_delayed:
                operations.count_delay(self._context, "budget")
                is_delayed = True
            event = await events.wait(event, max(wait, MIN_WAIT_SECONDS))

    async def _run(self, event: Any) -> Response:
        if self._cost.price >= HEAVY_POINTS:
            await operations.wait_for_heavy_turn(self._context)
        if isinstance(event, DeferredEvent):
            event = event.take()
        executor = self._admitted.executor
        response = execute_subscription_event(executor.build_per_event_executor(event))
        return response if isinstance(response, Response) else await response

    def _settle(self, payment: FramePayment, response: Response) -> Admission:
        """Refund what the frame did not use. The client never pays more than the price."""
        failed = [tuple(error.path) for error in response.errors or () if error.path]
        price, actual = self._cost.price, self._cost.actual(response.data, failed)
        if actual > price:
            self._admitted.report_overrun(actual, price)
        actual = min(actual, price)
        return Admission(price, actual, operations.refund_frame(self._context, payment, price - actual))
