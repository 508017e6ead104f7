"""The length of lists, by ``@listSize`` in the schema and the arguments of a document.

See IBM's GraphQL Cost Directives specification, section 8. A slicing argument may also be a dotted path into an input
object (``input.first``), as in IBM's gateways, or a list, which counts by its length.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_nullable_type,
    is_list_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry import UNSET

from schema.cost.directives import ListSize
from schema.cost.work_limit import WorkLimit

Variables = Mapping[str, Any]

#: The most digits of GraphQL's Int, which has 32 bits.
INT_DIGITS = 10


@dataclass(frozen=True, slots=True)
class SlicingVariable:
    """A variable with the length of a list, or with an object that has the length at a ``path`` of input fields.

    ``default`` is the length if the client omits the variable.
    """

    name: str
    path: tuple[str, ...]
    is_list: bool
    default: int | None

    def resolve(self, variables: Variables) -> int | None:
        """The length, for these coerced variables; None if it is null or absent."""
        value = variables.get(self.name, Undefined)
        return self.default if value is Undefined else _length(value, self.path, is_list=self.is_list)


@dataclass(frozen=True, slots=True)
class Size:
    """The length of a list that depends on variables. ``literal`` is the largest length in the document itself."""

    literal: int | None
    variables: tuple[SlicingVariable, ...]
    assumed: int
    maximum: int
    minimum: int = 0

    def resolve(self, variables: Variables) -> int:
        """The length, for these coerced variables."""
        lengths = [length for variable in self.variables if (length := variable.resolve(variables)) is not None]
        if self.literal is not None:
            lengths.append(self.literal)
        size = min(max(*lengths, 0), self.maximum) if lengths else self.assumed
        return max(size, self.minimum)

    def at_least(self, minimum: int) -> "Size":
        """The same size, never below ``minimum``."""
        return replace(self, minimum=max(self.minimum, minimum))


@dataclass(frozen=True, slots=True)
class SlicingArgument:
    """An argument that sets the length of a list, or a field of an input object in it. A list counts by its length.

    ``path`` is the argument's name, followed by the names of input fields. ``defaults`` are the lengths if the document
    omits the argument, the first input field, and so on.
    """

    path: tuple[str, ...]
    is_list: bool
    defaults: tuple[int | None, ...]

    def read(self, arguments: Mapping[str, ValueNode], maximum: int, steps: WorkLimit) -> int | SlicingVariable | None:
        """The length in the arguments of a field, or the variable that has it; None if it is null or absent."""
        fields, value = arguments, None
        for place, name in enumerate(self.path):
            value = fields.get(name)
            if value is None:
                return self.defaults[place]
            if isinstance(value, VariableNode):
                return SlicingVariable(value.name.value, self.path[place + 1 :], self.is_list, self.defaults[place])
            inner = value.fields if isinstance(value, ObjectValueNode) else ()
            steps.take(len(inner))
            fields = {field.name.value: field.value for field in inner}
        return self._literal(value, maximum)

    def _literal(self, value: ValueNode | None, maximum: int) -> int | None:
        if value is None or isinstance(value, NullValueNode):
            return None
        if self.is_list:
            # A single value is coerced to a list of one (GraphQL specification, section 3.11).
            return len(value.values) if isinstance(value, ListValueNode) else 1
        return _integer(value.value, maximum) if isinstance(value, IntValueNode) else None


@dataclass(frozen=True, slots=True)
class SizeRule:
    """The length of a list: the largest of the ``slicing`` arguments, but at most ``maximum``; or else ``assumed``.

    ``sized`` are the fields of the returned object that have this length. ``minimum`` is the least length of the list
    if the field above gives it another one.
    """

    assumed: int
    maximum: int
    minimum: int
    slicing: tuple[SlicingArgument, ...]
    sized: frozenset[str]

    @classmethod
    def of(cls, coordinate: str, field: GraphQLField, declared: ListSize | None, assumed: int) -> "SizeRule":
        """The rule for a field with the ``@listSize`` ``declared``. If that is None, its list has ``assumed`` items.

        Raises :class:`ValueError` if a slicing argument does not exist.
        """
        size = declared or ListSize(maximum=assumed)
        items = size.maximum if size.assumed_size in (None, UNSET) else size.assumed_size
        slicing = tuple(_slicing_argument(coordinate, field, path) for path in size.slicing_arguments or ())
        return cls(
            assumed=items,
            maximum=size.maximum,
            minimum=items if declared and not slicing else 0,
            slicing=slicing,
            sized=frozenset(size.sized_fields or ()),
        )

    def size(self, arguments: Mapping[str, ValueNode], steps: WorkLimit) -> int | Size:
        """The length of the list of a field with these arguments."""
        lengths = [argument.read(arguments, self.maximum, steps) for argument in self.slicing]
        uses = tuple(length for length in lengths if isinstance(length, SlicingVariable))
        literal = max((length for length in lengths if isinstance(length, int)), default=None)
        size = Size(literal, uses, self.assumed, self.maximum)
        return size if uses else size.resolve({})


def _slicing_argument(coordinate: str, field: GraphQLField, dotted: str) -> SlicingArgument:
    path = tuple(dotted.split("."))
    elements = list(_elements(coordinate, field, path))
    is_list = is_list_type(get_nullable_type(elements[-1].type))
    defaults = tuple(
        _length(coerce_default_value(element), path[place:], is_list=is_list)
        for place, element in enumerate(elements, start=1)
    )
    return SlicingArgument(path, is_list, defaults)


def _elements(
    coordinate: str, field: GraphQLField, path: tuple[str, ...]
) -> Iterator[GraphQLArgument | GraphQLInputField]:
    """The argument and the input fields of a path. Raises :class:`ValueError` if the path does not exist."""
    elements: Mapping[str, GraphQLArgument | GraphQLInputField] = field.args
    for name in path:
        if name not in elements:
            raise ValueError(f"{coordinate} has no slicing argument {'.'.join(path)}")
        element = elements[name]
        yield element
        kind = get_nullable_type(element.type)
        elements = kind.fields if isinstance(kind, GraphQLInputObjectType) else {}


def _length(value: object, path: tuple[str, ...], *, is_list: bool) -> int | None:
    """The length at a path of input fields in a coerced value."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or value is Undefined:
        return None
    if is_list:
        return len(value) if isinstance(value, list) else 1
    return value if isinstance(value, int) else None


def _integer(text: str, maximum: int) -> int:
    """The value of a literal. One with too many digits for an Int counts as ``maximum``, or as -1 if it is negative."""
    if len(text.lstrip("-")) > INT_DIGITS:
        return -1 if text.startswith("-") else maximum
    return int(text)
