"""The schema directives of IBM's GraphQL Cost Directives specification, which the SDL shows to clients.

See https://ibm.github.io/graphql-specs/cost-spec.html, sections 7 and 8.
"""

import strawberry
from strawberry.schema_directive import Location

from resolvers.pages import MAX_PAGE, PAGE

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
    description="What one appearance adds to the cost of an operation: a whole number as text. Without it scalars, "
    "enums and what returns or takes them cost 0, and everything else 1. See "
    "https://ibm.github.io/graphql-specs/cost-spec.html.",
)
class Cost:
    weight: str


#: A change is a transaction at least, for which the writes of all clients wait.
CHANGE = Cost(weight="10")


@strawberry.schema_directive(
    name="listSize",
    locations=[Location.FIELD_DEFINITION],
    description="How many items a list has at most: `assumedSize`, or the largest of the `slicingArguments`. With "
    "`sizedFields` that is the size of these fields of the returned object.",
)
class ListSize:
    assumed_size: int | None = strawberry.UNSET
    slicing_arguments: list[str] | None = strawberry.UNSET
    sized_fields: list[str] | None = strawberry.UNSET
    require_one_slicing_argument: bool | None = True
    #: The specification has no word for it: the most that the server gives, whatever a slicing argument asks for.
    maximum: strawberry.Private[int] = MAX_PAGE


def at_most(size: int) -> ListSize:
    """The size of a list that nobody slices."""
    return ListSize(assumed_size=size, require_one_slicing_argument=strawberry.UNSET)


def sized_by(argument: str, *fields: str, maximum: int) -> ListSize:
    """The size of lists in a payload that have an item for each item of a list argument, at most ``maximum``.

    ``argument`` is its name in GraphQL, or a dotted path into an input object, such as ``input.chunks``.
    """
    return ListSize(
        slicing_arguments=[argument],
        sized_fields=list(fields),
        require_one_slicing_argument=strawberry.UNSET,
        maximum=maximum,
    )


def paged(default: int = PAGE, maximum: int = MAX_PAGE) -> ListSize:
    """The size of a connection: as many items as ``first`` or ``last`` says, else ``default``; at most ``maximum``."""
    return ListSize(
        assumed_size=default,
        slicing_arguments=["first", "last"],
        sized_fields=["edges", "nodes"],
        require_one_slicing_argument=False,
        maximum=maximum,
    )
