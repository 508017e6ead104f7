"""Documents that clients send: parsed, checked and planned once, however often they are run."""

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

from schema.cost.document_limits import DEFAULT, DocumentLimits, check_limits, check_source
from schema.cost.error_cost import Path
from schema.cost.graph import CostGraphs
from schema.cost.plan import OperationPlan, plan_operation
from schema.cost.validation import validate_document
from schema.cost.weights import Weights
from schema.cost.work_limit import OperationTooComplex, WorkLimit
from schema.execution.errors import rendered

#: Tokens of one document. The introspection query of GraphiQL has about 300.
MAX_TOKENS = 1_500
#: What graphql-core says of more.
ABORTED = f"more than {MAX_TOKENS} tokens"
#: Tokens of all documents that are kept, or what takes as much memory: with its nodes, about a kibibyte.
KEPT_TOKENS = 50_000
#: Steps of an analysis whose graph takes as much.
STEPS_A_TOKEN = 9
#: Tokens' worth of graphs that are kept for each token of a document whose operations depend on variables. A usual
#: operation's graph takes three steps for each, so these are about six of them.
GRAPHS_A_TOKEN = 2
#: Prices that are kept for an operation whose price depends on its variables.
KEPT_PRICES = 64
#: Of a document, for a point: to read it takes a millisecond for about as many, whatever is asked for.
TOKENS_A_POINT = 32
#: The types of values by which prices are cached. ``Undefined`` stands for a variable that the client left out.
CACHED_TYPES = frozenset({int, bool, type(None), type(Undefined)})


class Operation:
    """One operation of a valid document, and what it costs."""

    def __init__(self, node: OperationDefinitionNode, plan: OperationPlan, minimum: int) -> None:
        self.node = node
        #: Points that it costs however little it asks for.
        self.minimum = minimum
        self.type = OperationType(node.operation.value)
        self.plan = plan
        self._price_variables = sorted(plan.uses_variables)
        self._prices: dict[tuple[object, ...], int] = {}

    def price(self, variables: Mapping[str, Any]) -> int:
        """The most that it can cost with these coerced variables. Raises :class:`OperationTooComplex`."""
        values = [variables.get(name, Undefined) for name in self._price_variables]
        types = [type(value) for value in values]
        if not CACHED_TYPES.issuperset(types):
            return max(self.plan.price(variables), self.minimum)
        # With the types, since 1 and True are equal in Python.
        key = (*values, *types)
        price = self._prices.get(key)
        if price is None:
            price = max(self.plan.price(variables), self.minimum)
            if len(self._prices) < KEPT_PRICES:
                self._prices[key] = price
        return price

    def actual(self, data: Mapping[str, Any] | None, variables: Mapping[str, Any], failed: Collection[Path]) -> int:
        """What it has cost: see :meth:`OperationPlan.actual`."""
        return max(self.plan.actual(data, variables, failed), self.minimum)


@dataclass(frozen=True)
class Document:
    """What became of a document's text. With ``errors`` there are no operations."""

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    operations: Mapping[str | None, Operation]
    tokens: int

    def operation(self, name: str | None) -> Operation:
        """The operation to run. Raises :class:`GraphQLError` when the name does not say which one it is."""
        if name is None and len(self.operations) > 1:
            raise GraphQLError("Must provide operation name if query contains multiple operations.")
        found = next(iter(self.operations.values()), None) if name is None else self.operations.get(name)
        if found is None:
            raise GraphQLError("Must provide an operation." if name is None else f"Unknown operation named '{name}'.")
        return found


class Documents:
    """Prepares documents for a schema and remembers those that were used last, ``kept_tokens`` of them in all."""

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits = DEFAULT, kept_tokens: int = KEPT_TOKENS) -> None:
        self._schema = schema
        self._weights = Weights.of(schema)
        self._limits = limits
        self._free = kept_tokens
        self._known: OrderedDict[str, Document] = OrderedDict()

    def known(self, text: str) -> Document | None:
        """The document, if it was prepared before and is remembered."""
        document = self._known.get(text)
        if document:
            self._known.move_to_end(text)
        return document

    def prepare(self, text: str) -> Document:
        """Parse, check and plan a document. What is wrong with it is in its ``errors``; nothing is raised."""
        if before := self._known.pop(text, None):
            self._free += before.tokens
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
        found: dict[str | None, Operation] = {}
        work = WorkLimit()
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                plan = plan_operation(self._weights, document, node, graphs)
                work.take(plan.work)
                found[node.name.value if node.name else None] = Operation(node, plan, tokens // TOKENS_A_POINT)
        return found


def _text(text: str) -> int:
    """What a text takes, in tokens: it is kept, and its tokens have copies of its comments and strings."""
    return 2 * getsizeof(text) // 1024 + 1


def _graphs(operations: Collection[Operation], tokens: int) -> int:
    """What the graphs of a document's operations take, in tokens."""
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
