"""Admission of operations: an operation runs if it is valid and the client's budget has enough points for its price."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeGuard, cast

from graphql import ExecutionResult, Executor, GraphQLError, GraphQLSchema
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.types.graphql import OperationType

from resolvers import operations
from resolvers.context import Context
from resolvers.operations import Reservation
from schema.cost.work_limit import OperationTooComplex
from schema.execution.documents import Document, Documents, Operation
from schema.execution.errors import OperationNotAllowed, rendered
from schema.execution.persisted_documents import TrustedDocuments
from schema.execution.variables import FEW_VALUES, too_many, values_in
from schema.scopes.requirements import Requirements
from services.access.errors import Forbidden
from services.core.errors import CloudKeepError

logger = logging.getLogger("cloudkeep.graphql")

#: Points for an operation that cannot be run: its document has to be parsed and validated all the same. They are
#: reserved before a document that is not cached is parsed, and are a part of the price if the document is valid.
INVALID_COST = 20
#: A log line: the type and the name of an operation, its actual cost and its price.
OVERRUN = "%s %s cost %d points, and its price was %d: a list is longer than its @listSize in the schema"
#: In addition, a request costs a point for each so many values in its variables.
VALUES_A_POINT = 100
#: Strawberry's function, which is fast for the types of most values.
is_awaitable = cast(Callable[[Any], TypeGuard[Awaitable[Any]]], optimized_is_awaitable)


@dataclass(frozen=True)
class Request:
    """A client's request to run an operation. ``allowed`` are the types of operation that the transport can run.

    If ``text`` is empty, ``extensions`` name a persisted document.
    """

    text: str
    variables: dict[str, Any] | None
    name: str | None
    allowed: frozenset[OperationType]
    extensions: Mapping[str, Any]
    #: When the request arrived, by ``perf_counter``.
    began: float = field(default_factory=perf_counter)


class Refused(Exception):
    """The operation does not run, because of these errors."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors)
        self.errors = list(errors)


@dataclass(frozen=True)
class Admitted:
    """An operation that may be run, and the points that are reserved for it."""

    context: Context
    operation: Operation
    executor: Executor[None]
    reservation: Reservation

    def refund_unused(self, response: ExecutionResult) -> None:
        """Refund the difference between the price and the actual cost. The client never pays more than the price."""
        admission = self.context.admission
        failed = [tuple(error.path) for error in response.errors or () if error.path]
        actual = self.operation.actual(response.data, self.executor.variable_values.coerced, failed)
        if actual > admission.requested:
            self.report_overrun(actual, admission.requested)
        admission.actual = min(actual, admission.requested)
        if unused := admission.requested - admission.actual:
            admission.layers = operations.refund(self.context, self.reservation, unused)

    def report_overrun(self, actual: int, price: int) -> None:
        """Log an actual cost above the price. It is a defect of the schema: a list is longer than its ``@listSize``."""
        operations.count_overrun(self.context)
        name = self.operation.node.name
        logger.error(OVERRUN, self.operation.type.value, name.value if name else "", actual, price)


class AdmissionController:
    """Admits operations whose price is at most ``maximum`` points."""

    def __init__(self, schema: GraphQLSchema, documents: Documents, maximum: int) -> None:
        self._schema = schema
        self._documents = documents
        self._maximum = maximum
        self._requirements = Requirements(schema)
        self.trusted = TrustedDocuments({})

    async def admit(self, context: Context, request: Request) -> Admitted:
        """Price the operation and reserve its price. Raises :class:`Refused`."""
        text = await self._text(context, request)
        values = values_in(request.variables)
        deposit = await self._deposit(context, text, values)
        try:
            operation, executor, price = self._prepare(context, request, text, values)
        except Refused:
            if deposit is None:
                await _reserve(context, INVALID_COST)
            raise
        return Admitted(context, operation, executor, await _pay(context, price, deposit))

    async def _text(self, context: Context, request: Request) -> str:
        try:
            return self.trusted.resolve(request.text, request.extensions)
        except CloudKeepError as error:
            await _reserve(context, INVALID_COST)
            raise Refused([rendered(error)]) from None

    async def _deposit(self, context: Context, text: str, values: int) -> Reservation | None:
        """Reserve points for the work of computing the price; None if that is little work."""
        if self._is_ready(text, values):
            return None
        deposit = await _reserve(context, INVALID_COST + values // VALUES_A_POINT)
        await operations.wait_for_heavy_turn(context)
        if not self._is_ready(text, values):
            return deposit
        # Another request has sent the same document in the meantime.
        operations.refund(context, deposit, deposit.points)
        return None

    def _is_ready(self, text: str, values: int) -> bool:
        document = self._documents.known(text)
        return bool(document and not document.errors) and values <= FEW_VALUES

    def _prepare(
        self, context: Context, request: Request, text: str, values: int
    ) -> tuple[Operation, Executor[None], int]:
        document = self._documents.known(text) or self._documents.prepare(text)
        if document.errors:
            raise Refused(document.errors)
        if error := too_many(values):
            raise Refused([error])
        try:
            operation = document.operation(request.name)
            if operation.type not in request.allowed:
                raise OperationNotAllowed(operation.type)
            executor = self._executor(context, request, document)
            price = self._price(operation, executor)
            self._require_scopes(context, operation, executor)
            return operation, executor, price
        except GraphQLError as error:
            raise Refused([error]) from None
        except (OperationTooComplex, Forbidden) as error:
            raise Refused([rendered(error)]) from None

    def _executor(self, context: Context, request: Request, document: Document) -> Executor[None]:
        assert document.node
        executor = Executor[None].build(
            self._schema,
            document.node,
            context_value=context,
            raw_variable_values=request.variables,
            operation_name=request.name,
            is_awaitable=is_awaitable,
        )
        if isinstance(executor, list):
            raise Refused(executor)
        return executor

    def _price(self, operation: Operation, executor: Executor[None]) -> int:
        price = operation.price(executor.variable_values.coerced)
        if price > self._maximum:
            message = f"The operation costs {price} points, and no operation may cost more than {self._maximum}."
            raise OperationTooComplex(message, limit="cost", maximum=self._maximum, actual=price)
        return price

    def _require_scopes(self, context: Context, operation: Operation, executor: Executor[None]) -> None:
        """Refuse the whole operation if the viewer's API token may not use one of its fields, before any of it runs.

        A mutation would otherwise take effect, and then fail to show its result. Raises :class:`Forbidden`.
        """
        if operations.has_scopes(context):
            coordinates = operation.plan.coordinates(executor.variable_values.coerced)
            operations.require_scopes(context, self._requirements.of(coordinates))


async def _pay(context: Context, price: int, deposit: Reservation | None) -> Reservation:
    """Reserve the price. The deposit is a part of it.

    If the budget is too low for the price, the deposit is kept: otherwise clients could have documents parsed for free.
    """
    if deposit is None:
        return await _reserve(context, price)
    if deposit.points < price:
        return await _reserve(context, price, deposit)
    context.admission.requested = price
    context.admission.layers = operations.refund(context, deposit, deposit.points - price)
    return deposit


async def _reserve(context: Context, points: int, deposit: Reservation | None = None) -> Reservation:
    admission = context.admission
    admission.requested = points
    try:
        reservation = await operations.reserve(context, points - (deposit.points if deposit else 0))
    except CloudKeepError as error:
        admission.refused, admission.layers = error, getattr(error, "layers", ())
        raise Refused([rendered(error)]) from None
    if deposit:
        reservation.include(deposit)
    admission.layers = reservation.layers
    return reservation
