"""The schema directives of IBM's GraphQL Cost Directives specification. Clients see them in the SDL.

See https://ibm.github.io/graphql-specs/cost-spec.html, sections 7 and 8.
"""

from collections.abc import Sequence

import strawberry
from graphql import GraphQLSchema
from strawberry.schema_directive import Location, StrawberrySchemaDirective
from strawberry.utils.str_converters import to_camel_case

from resolvers.pages import MAX_PAGE, PAGE

#: The key of ``extensions`` under which Strawberry keeps its definition of an element of the GraphQL schema.
STRAWBERRY = "strawberry-definition"

COST_LOCATIONS = [
    Location.ARGUMENT_DEFINITION,
    Location.ENUM,
    Location.FIELD_DEFINITION,
    Location.INPUT_FIELD_DEFINITION,
    Location.OBJECT,
    Location.SCALAR,
]


@strawberry.schema_directive(
    name="cost",
    locations=COST_LOCATIONS,
    description="The weight of a type, field, argument or input field in the cost of an operation. The default weight "
    "is 0 for scalars and enums, and for fields and arguments of these types; it is 1 for everything else. "
    "See https://ibm.github.io/graphql-specs/cost-spec.html.",
)
class Cost:
    weight: str = strawberry.field(description="The points for each use: a whole number, as text.")


#: The price of a mutation: it takes at least one transaction, and the writes of all clients wait for each other.
CHANGE = Cost(weight="10")


@strawberry.schema_directive(
    name="listSize",
    locations=[Location.FIELD_DEFINITION],
    description="The largest number of items in a list: the price of an item is multiplied by it. If the `sizedFields` "
    "of the field above name the list as well, the larger size counts.",
)
class ListSize:
    assumed_size: int | None = strawberry.field(
        description="The number of items when no slicing argument is given.",
        default=strawberry.UNSET,
    )
    slicing_arguments: list[str] | None = strawberry.field(
        description="The arguments that set the number of items. The largest one counts; null counts as absent, and a "
        "list counts by its length. A path such as `input.chunks` names a field of an input object.",
        default=strawberry.UNSET,
    )
    sized_fields: list[str] | None = strawberry.field(
        description="The fields of the returned object that are the list, if the field itself is not.",
        default=strawberry.UNSET,
    )
    require_one_slicing_argument: bool | None = strawberry.field(
        description="Whether exactly one of the slicing arguments is required. The server does not enforce this.",
        default=True,
    )
    #: Not in the specification: the most items that the server returns, however large a slicing argument is.
    maximum: strawberry.Private[int] = MAX_PAGE


def describe_arguments(schema: GraphQLSchema) -> None:
    """Add the descriptions of these directives' arguments, which Strawberry leaves out."""
    for directive in schema.directives:
        definition = directive.extensions.get(STRAWBERRY)
        for field in definition.fields if isinstance(definition, StrawberrySchemaDirective) else ():
            directive.args[to_camel_case(field.python_name)].description = field.description


def at_most(size: int) -> ListSize:
    """The size of a list without slicing arguments."""
    return ListSize(assumed_size=size, require_one_slicing_argument=strawberry.UNSET)


def sized_by(argument: str, *fields: str, maximum: int) -> ListSize:
    """The size of ``fields``, lists with an item for each item of a list argument: at most ``maximum``.

    ``argument`` is the argument's name in GraphQL, or a dotted path into an input object, such as ``input.chunks``.
    """
    return ListSize(
        slicing_arguments=[argument],
        sized_fields=list(fields),
        require_one_slicing_argument=strawberry.UNSET,
        maximum=maximum,
    )


def paged(default: int = PAGE, maximum: int = MAX_PAGE, arguments: Sequence[str] = ("first", "last")) -> ListSize:
    """The size of a connection: what one of the ``arguments`` says, or else ``default``, and at most ``maximum``."""
    return ListSize(
        assumed_size=default,
        slicing_arguments=list(arguments),
        sized_fields=["edges", "nodes"],
        require_one_slicing_argument=False,
        maximum=maximum,
    )
