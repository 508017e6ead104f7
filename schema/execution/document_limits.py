"""Hard limits on a document, in addition to its price: they bound work before the price is known or that has no price.

All of them are checked in one pass over the document. Fragments are not expanded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
)

from schema.cost.work_limit import OperationTooComplex


@dataclass(frozen=True)
class DocumentLimits:
    """The limits of a document."""

    #: Characters of the text. The lexer takes 120 to 250 ms for a mebibyte. Long values belong in variables.
    characters: int = 65_536
    #: Levels of fields. The introspection query of graphql-js, which GraphiQL sends, has 15.
    depth: int = 15
    #: Fields and fragment spreads in the text. The introspection query has 81.
    selections: int = 500
    #: Fields with an alias.
    aliases: int = 100
    #: Fields at the root of a mutation, which run one after another.
    root_fields: int = 10
    #: Directives on the same field, fragment or operation.
    directives: int = 10
    #: Operations in one document. Each of them is validated with all the fragments that it spreads.
    operations: int = 20
    #: Variables of one operation.
    variables: int = 100


DEFAULT = DocumentLimits()


def check_source(source: str, limits: DocumentLimits = DEFAULT) -> GraphQLError | None:
    """The error for a text that is too long; None if it can be parsed."""
    return _error("characters", limits.characters, len(source), "characters")


def check_limits(document: DocumentNode, limits: DocumentLimits = DEFAULT) -> GraphQLError | None:
    """The error for the first limit that a document exceeds; None if it exceeds none. The document may be invalid."""
    counts = _Document(document)
    return (
        _error("selections", limits.selections, counts.selections, "fields and fragments")
        or _error("aliases", limits.aliases, counts.aliases, "aliases")
        or _error("directives", limits.directives, counts.directives, "directives in one place")
        or _error("operations", limits.operations, counts.operations, "operations")
        or _error("variables", limits.variables, counts.variables, "variables")
        or _error("depth", limits.depth, counts.depth(), "levels of fields")
        or _error("rootFields", limits.root_fields, counts.root_fields(), "fields at the root of a mutation")
    )


def _error(limit: str, maximum: int, actual: int, what: str) -> GraphQLError | None:
    if actual <= maximum:
        return None
    message = f"The document is too complex: it has {actual} {what}, and at most {maximum} are allowed."
    error = OperationTooComplex(message, limit=limit, maximum=maximum, actual=actual)
    return GraphQLError(message, original_error=error)


@dataclass
class _Definition:
    """An operation or a fragment without the fragments that it spreads: its depth, and the depths of its spreads."""

    depth: int = 0
    spreads: dict[str, int] = field(default_factory=dict)
    #: The response keys of its first level, and the fragments that the first level spreads.
    keys: set[str] = field(default_factory=set)
    spread_first: set[str] = field(default_factory=set)


class _Document:
    def __init__(self, document: DocumentNode) -> None:
        self.selections = 0
        self.aliases = 0
        self.directives = 0
        self.variables = 0
        self._mutations: list[_Definition] = []
        self._operations: list[_Definition] = []
        self._fragments: dict[str, _Definition] = {}
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                self._add_operation(node)
            elif isinstance(node, FragmentDefinitionNode):
                self._fragments[node.name.value] = self._read(node)

    @property
    def operations(self) -> int:
        """The number of operations."""
        return len(self._operations)

    def depth(self) -> int:
        """The largest number of levels of fields."""
        depths: dict[str, int] = {}
        unseen = set(self._fragments)
        while unseen:
            self._measure(unseen.pop(), unseen, depths)
        return max(
            (_deepest(operation, depths) for operation in (*self._operations, *self._fragments.values())), default=0
        )

    def root_fields(self) -> int:
        """The largest number of root fields of a mutation."""
        return max((len(self._keys(mutation)) for mutation in self._mutations), default=0)

    def _add_operation(self, node: OperationDefinitionNode) -> None:
        operation = self._read(node)
        self._operations.append(operation)
        if node.operation is OperationType.MUTATION:
            self._mutations.append(operation)
        self.variables = max(self.variables, len(node.variable_definitions or ()))
        for variable in node.variable_definitions or ():
            self.directives = max(self.directives, len(variable.directives or ()))

    def _read(self, definition: OperationDefinitionNode | FragmentDefinitionNode) -> _Definition:
        result = _Definition()
        self.directives = max(self.directives, len(definition.directives or ()))
        pending = [(definition.selection_set, 1)]
        while pending:
            selection_set, depth = pending.pop()
            self.selections += len(selection_set.selections)
            for node in selection_set.selections:
                self.directives = max(self.directives, len(node.directives or ()))
                pending.extend(self._visit(node, depth, result))
        return result

    def _visit(self, node: SelectionNode, depth: int, result: _Definition) -> Iterator[tuple[SelectionSetNode, int]]:
        if isinstance(node, FieldNode):
            self.aliases += node.alias is not None
            result.depth = max(result.depth, depth)
            if depth == 1:
                result.keys.add((node.alias or node.name).value)
            if node.selection_set:
                yield node.selection_set, depth + 1
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            result.spreads[name] = max(result.spreads.get(name, 0), depth - 1)
            if depth == 1:
                result.spread_first.add(name)
        elif isinstance(node, InlineFragmentNode):
            yield node.selection_set, depth

    def _measure(self, root: str, unseen: set[str], depths: dict[str, int]) -> None:
        """Measure a fragment and the fragments that it spreads, without recursion. Invalid cycles add 0."""
        path = [(root, iter(self._fragments[root].spreads))]
        while path:
            name, spreads = path[-1]
            following = next((one for one in spreads if one in unseen), None)
            if following is None:
                path.pop()
                depths[name] = _deepest(self._fragments[name], depths)
            else:
                unseen.discard(following)
                path.append((following, iter(self._fragments[following].spreads)))

    def _keys(self, operation: _Definition) -> set[str]:
        keys, spread = set(operation.keys), set[str]()
        pending = list(operation.spread_first)
        while pending:
            name = pending.pop()
            if name in self._fragments and name not in spread:
                spread.add(name)
                keys |= self._fragments[name].keys
                pending.extend(self._fragments[name].spread_first)
        return keys


def _deepest(definition: _Definition, depths: dict[str, int]) -> int:
    return max(definition.depth, *(at + depths.get(name, 0) for name, at in definition.spreads.items()), 0)
