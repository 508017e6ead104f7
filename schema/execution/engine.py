"""Runs operations, with admission before and a refund afterwards.

This replaces two methods of Strawberry's schema, one of which every transport calls: ``execute`` returns one response,
``stream`` returns any number. Strawberry's extensions would not do: some transports lose the errors that they raise,
and they take more time than a small query.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import ExecutionResult as Response
from graphql import GraphQLSchema, create_source_event_stream, execute_root_selection_set
from strawberry.exceptions import MissingQueryError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from resolvers import operations
from resolvers.context import Context, RequestContext
from resolvers.operations import FrameRate
from schema.cost.descriptions import add_prices
from schema.cost.directives import describe_arguments
from schema.execution.admission import AdmissionController, Admitted, Refused, Request
from schema.execution.documents import Documents
from schema.execution.errors import rendered
from schema.execution.expiry import Expiry
from schema.execution.frames import Frames
from schema.execution.persisted_documents import TrustedDocuments, names_a_document
from schema.execution.results import first_result, operation_span, refusal
from schema.scopes.requirements import add_scopes
from services.budgets.errors import TooManySubscriptions

ANY_TYPE = frozenset(OperationType)
ONE_ANSWER = frozenset({OperationType.QUERY, OperationType.MUTATION})


class Schema(strawberry.Schema):
    """The schema, with a price for every operation. An operation runs if the client's budget has enough points."""

    def __init__(self, *, maximum_cost: int, **options: Any) -> None:
        super().__init__(**options)
        add_scopes(self._schema)
        add_prices(self._schema)
        describe_arguments(self._schema)
        #: The most that an operation may cost, in points.
        self.maximum_cost = maximum_cost
        self.documents = Documents(self._schema)
        self._admission = AdmissionController(self._schema, self.documents, maximum_cost)

    def trust(self, documents: TrustedDocuments) -> None:
        """Let clients name these documents by their IDs. If they are exclusive, no other document runs."""
        self._admission.trusted = documents

    @property
    def trusted(self) -> TrustedDocuments:
        """The documents that the operator trusts."""
        return self._admission.trusted

    def as_graphql(self) -> GraphQLSchema:
        """The schema as an object of graphql-core."""
        return self._schema

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a query or a mutation. A subscription is refused, since it has many responses.

        Raises :class:`MissingQueryError`.
        """
        allowed = ONE_ANSWER if allowed_operation_types is None else ONE_ANSWER.intersection(allowed_operation_types)
        request = _request(query, variable_values, operation_name, allowed, operation_extensions)
        context = _context(context_value)
        try:
            admitted = await self._admission.admit(context, request)
        except Refused as refused:
            return refusal(context, request, refused)
        return await _run(admitted, request)

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Run any operation. A query or a mutation has one result, a subscription has one for each event.

        The operation is admitted before this returns, so that response headers can have its price. It runs while the
        results are read.
        Raises :class:`MissingQueryError`.
        """
        allowed = ANY_TYPE if allowed_operation_types is None else frozenset(allowed_operation_types)
        request = _request(query, variable_values, operation_name, allowed, operation_extensions)
        context = _context(context_value)
        try:
            admitted = await self._admission.admit(context, request)
        except Refused as refused:
            return _alone(refusal(context, request, refused))
        return _results(admitted, request)


def _request(
    text: str | None,
    variables: dict[str, Any] | None,
    name: str | None,
    allowed: frozenset[OperationType],
    extensions: dict[str, Any] | None,
) -> Request:
    if not text and not names_a_document(extensions):
        raise MissingQueryError
    return Request(text or "", variables, name, allowed, extensions or {})


def _context(value: object) -> Context:
    assert isinstance(value, RequestContext)
    return value.for_operation()


async def _alone(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield result


async def _results(admitted: Admitted, request: Request) -> AsyncGenerator[ExecutionResult, None]:
    if admitted.operation.type is not OperationType.SUBSCRIPTION:
        yield await _run(admitted, request)
        return
    try:
        async with _leased(admitted) as rate, aclosing(_follow(admitted, request, rate)) as results:
            async for result in results:
                yield result
    except Refused as refused:
        admitted.refund_unused(Response(None, None))
        yield refusal(admitted.context, request, refused)


@asynccontextmanager
async def _leased(admitted: Admitted) -> AsyncIterator[FrameRate]:
    """Hold a lease for a subscription. Raises :class:`Refused` if the client has too many subscriptions."""
    context = admitted.context
    async with AsyncExitStack() as stack:
        try:
            rate = await stack.enter_async_context(operations.open_subscription(context))
        except TooManySubscriptions as error:
            context.admission.refused = error
            raise Refused([rendered(error)]) from None
        yield rate


async def _run(admitted: Admitted, request: Request) -> ExecutionResult:
    with operation_span(admitted):
        response = execute_root_selection_set(admitted.executor)
        if isawaitable(response):
            response = await response
    admitted.refund_unused(response)
    return first_result(admitted, request, response)


async def _follow(admitted: Admitted, request: Request, rate: FrameRate) -> AsyncGenerator[ExecutionResult, None]:
    # The span ends when the subscription has started, because the subscription may be open for hours.
    with operation_span(admitted):
        source = create_source_event_stream(admitted.executor)
        if isawaitable(source):
            source = await source
    if isinstance(source, Response):
        raise Refused(source.errors or [])
    assert isinstance(source, AsyncGenerator)
    frames = Frames(admitted, request, rate)
    results = frames.results(source)
    with _expiry(admitted.context) as expiry:
        timely = expiry.limit(results)
        async with aclosing(source), aclosing(results), aclosing(timely):
            try:
                async for result in timely:
                    yield result
            except Exception as error:
                yield frames.last_result(error)


@contextmanager
def _expiry(context: Context) -> Iterator[Expiry]:
    """The end of a subscription, which is that of the viewer's credentials unless the transport ends with them."""
    if context.authenticated is None or not context.ends_subscriptions:
        yield Expiry()
        return
    expiry = Expiry(context.authenticated.expires_at)
    stop = operations.watch(context, context.authenticated, expiry.end)
    try:
        yield expiry
    finally:
        stop()
