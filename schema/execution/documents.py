"""The documents that clients send. Each is parsed, validated and analysed once and then cached."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from sys import getsizeof
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    TokenKind,
    Undefined,
    parse,
)
from strawberry.types.graphql import OperationType

from schema.cost.error_cost import Path
from schema.cost.graph import CostGraphs
from schema.cost.plan import OperationPlan, plan_operation
from schema.cost.weights import Weights
from schema.cost.work_limit import OperationTooComplex, WorkLimit
from schema.execution.document_limits import DEFAULT, DocumentLimits, check_limits, check_source
from schema.execution.errors import rendered
from schema.execution.validation import validate_document

#: The most tokens of one document. The introspection query of GraphiQL has about 300.
MAX_TOKENS = 1_500
#: A part of graphql-core's message for a longer document.
ABORTED = f"more than {MAX_TOKENS} tokens"
#: The size of the cache, in tokens of its documents. A token with its syntax nodes takes about a kibibyte of memory.
CACHED_TOKENS = 50_000
#: The graph from this many steps of an analysis takes as much memory as a token.
STEPS_A_TOKEN = 9
#: The size of the cache of graphs, for a document with variables in ``@skip`` or ``@include``: as much memory as this
#: many tokens, for each of its own tokens. The graph of a usual operation takes three steps per token, so that about
#: six graphs fit.
GRAPHS_A_TOKEN = 2
#: The most prices to cache for an operation whose price depends on its variables.
CACHED_PRICES = 64
#: An operation costs at least a point for each so many tokens of its document, which take about a millisecond to parse.
TOKENS_A_POINT = 32
#: Prices are only cached if the relevant variables have these types. ``Undefined`` is an omitted variable.
CACHED_TYPES = frozenset({int, bool, type(None), type(Undefined)})


class Operation:
    """One operation of a valid document, with its price."""

    def __init__(self, node: OperationDefinitionNode, plan: OperationPlan, minimum: int) -> None:
        self.node = node
        #: The lowest price of the operation, in points.
        self.minimum = minimum
        self.type = OperationType(node.operation.value)
        self.plan = plan
        self._price_variables = sorted(plan.uses_variables)
        self._prices: dict[tuple[object, ...], int] = {}

    def price(self, variables: Mapping[str, Any]) -> int:
        """The most that the operation can cost with these coerced variables, in points.

        The key of a cached price has all values that the price depends on, so that the variables of one client never
        change the price for another one. Raises :class:`OperationTooComplex`.
        """
        values = [variables.get(name, Undefined) for name in self._price_variables]
        types = [type(value) for value in values]
        if not CACHED_TYPES.issuperset(types):
            return max(self.plan.price(variables), self.minimum)
        # The key includes the types, since 1 and True are equal in Python.
        key = (*values, *types)
        price = self._prices.get(key)
        if price is None:
            price = max(self.plan.price(variables), self.minimum)
            if len(self._prices) < CACHED_PRICES:
                self._prices[key] = price
        return price

    def frame(self, variables: Mapping[str, Any]) -> "FrameCost":
        """The cost of each frame of a subscription after the first one, whose cost is a part of the price."""
        return FrameCost(self.plan, variables)

    def actual(self, data: Mapping[str, Any] | None, variables: Mapping[str, Any], failed: Collection[Path]) -> int:
        """The actual cost, in points: see :meth:`OperationPlan.actual`."""
        return max(self.plan.actual(data, variables, failed), self.minimum)


class FrameCost:
    """The cost of a frame of a subscription for these coerced variables, in points: all except for the root field."""

    def __init__(self, plan: OperationPlan, variables: Mapping[str, Any]) -> None:
        self._plan = plan
        self._variables = variables
        self._start = plan.start(variables)
        #: The most that a frame can cost.
        self.price = plan.price(variables) - self._start

    def actual(self, data: Mapping[str, Any] | None, failed: Collection[Path]) -> int:
        """The actual cost of a frame: see :meth:`OperationPlan.actual`."""
        return self._plan.actual(data, self._variables, failed) - self._start


@dataclass(frozen=True)
class Document:
    """A parsed and validated document. With ``errors`` it has no operations. ``tokens`` is its size in the cache."""

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    operations: Mapping[str | None, Operation]
    tokens: int

    def operation(self, name: str | None) -> Operation:
        """The operation with this name, or the only one. Raises :class:`GraphQLError` if there is none."""
        if name is None and len(self.operations) > 1:
            raise GraphQLError("Must provide operation name if query contains multiple operations.")
        operation = next(iter(self.operations.values()), None) if name is None else self.operations.get(name)
        if operation is None:
            raise GraphQLError("Must provide an operation." if name is None else f"Unknown operation named '{name}'.")
        return operation


class Documents:
    """Prepares documents for a schema, and caches the most recently used ones, up to ``cached_tokens`` in all."""

    def __init__(
        self, schema: GraphQLSchema, limits: DocumentLimits = DEFAULT, cached_tokens: int = CACHED_TOKENS
    ) -> None:
        self._schema = schema
        self._weights = Weights.of(schema)
        self._limits = limits
        self._free = cached_tokens
        self._known: OrderedDict[str, Document] = OrderedDict()

    def known(self, text: str) -> Document | None:
        """The document, if it is in the cache."""
        document = self._known.get(text)
        if document:
            self._known.move_to_end(text)
        return document

    def prepare(self, text: str) -> Document:
        """Parse, validate and analyse a document. Problems are not raised: they are in its ``errors``."""
        if earlier := self._known.pop(text, None):
            self._free += earlier.tokens
        document = self._prepare(text)
        self._known[text] = document
        self._free -= document.tokens
        while self._free < 0:
            self._free += self._known.popitem(last=False)[1].tokens
        return document

    def _prepare(self, text: str) -> Document:
        size = _text(text)
        try:
            node = self._parse(text)
            tokens = _tokens(node)
            size += tokens
            if errors := validate_document(self._schema, node):
                return Document(None, tuple(errors), {}, size)
            operations = self._operations(node, tokens)
            return Document(node, (), operations, size + _graphs(operations.values(), tokens))
        except GraphQLError as error:
            return Document(None, (error.with_traceback(None),), {}, size)
        except OperationTooComplex as error:
            return Document(None, (rendered(error),), {}, size)

    def _parse(self, text: str) -> DocumentNode:
        if refusal := check_source(text, self._limits):
            raise refusal
        try:
            node = parse(text, max_tokens=MAX_TOKENS)
        except GraphQLSyntaxError as error:
            raise (_too_long(error) if ABORTED in error.message else error) from None
        if refusal := check_limits(node, self._limits):
            raise refusal
        return node

    def _operations(self, document: DocumentNode, tokens: int) -> dict[str | None, Operation]:
        graphs = CostGraphs(tokens * GRAPHS_A_TOKEN * STEPS_A_TOKEN)
        operations: dict[str | None, Operation] = {}
        work = WorkLimit()
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                plan = plan_operation(self._weights, document, node, graphs)
                work.take(plan.work)
                operations[node.name.value if node.name else None] = Operation(node, plan, tokens // TOKENS_A_POINT)
        return operations


def _text(text: str) -> int:
    """The memory of a text, in tokens. Its tokens have copies of its comments and strings."""
    return 2 * getsizeof(text) // 1024 + 1


def _graphs(operations: Collection[Operation], tokens: int) -> int:
    """The memory of the graphs of a document's operations, in tokens."""
    fixed = sum(operation.plan.work for operation in operations) // STEPS_A_TOKEN
    return fixed + (tokens * GRAPHS_A_TOKEN if any(operation.plan.is_conditional for operation in operations) else 0)


def _too_long(error: GraphQLSyntaxError) -> GraphQLError:
    refusal = OperationTooComplex(error.message, limit="tokens", maximum=MAX_TOKENS, actual=MAX_TOKENS + 1)
    return rendered(refusal)


def _tokens(document: DocumentNode) -> int:
    count, token = 0, document.loc.start_token if document.loc else None
    while token and token.kind is not TokenKind.EOF:
        count, token = count + 1, token.next
    return count
