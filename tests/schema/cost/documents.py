"""Random documents over the rich schema, their variables, and random answers to them."""

from random import Random
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    execute_sync,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from hypothesis import strategies as st

from tests.schema.cost.reference import handed, size_of

#: The possible arguments of a field, by its coordinate. With one alias, a field always has the same arguments.
SLICES = ["", "(first: 3)", "(first: 2, last: 4)", "(first: $n)", "(first: $n, last: $m)", "(first: -1)", "(last: 500)"]
ARGUMENTS = {
    "items": SLICES,
    "users": [*SLICES, "(first: null)"],
    "page": ["", "(first: 3)", "(first: $n)"],
    "user": ["", "(id: 1)"],
    "search": [
        "",
        "(filter: {})",
        '(filter: {expensive: "x", inner: {cheap: true}}, cheap: true)',
        "(filter: $filter)",
        "(filter: {expensive: $text, all: [$filter, {cheap: true}]}, many: [$filter, null])",
        "(flag: null, many: [{expensive: $text}])",
    ],
    "store": [
        "",
        "(rows: [1, null, $n])",
        "(rows: 9)",
        "(rows: null)",
        "(rows: $rows)",
        "(rows: $rows, batch: $batch)",
        "(rows: [], batch: {rows: 500})",
        "(rows: null, batch: {rows: $rows, more: {count: $n}})",
        "(batch: {rows: [1, 2, 3, 4], more: $more})",
        "(rows: null, batch: {more: {}})",
        "(rows: null, batch: {more: null})",
    ],
}
DIRECTIVES = [
    *[""] * 6,
    "@skip(if: false)",
    "@include(if: true)",
    "@skip(if: $yes)",
    "@include(if: $yes)",
    "@include(if: $no) @skip(if: $yes)",
    "@skip(if: true)",
]
HEAD = "query ($yes: Boolean!, $no: Boolean!, $n: Int, $m: Int, $filter: Filter, $text: String, $rows: [Int!],"
HEAD += " $batch: Batch, $more: More)"
CONDITIONS = {
    "Query": ["Query"],
    "Page": ["Page"],
    "Stored": ["Stored"],
    "Named": ["Named", "User", "Item", "Thing"],
    "Thing": ["Thing", "User", "Item", "Group", "Named"],
    "User": ["User", "Named", "Thing"],
    "Item": ["Item", "Named", "Thing"],
    "Group": ["Group", "Thing"],
}


@st.composite
def documents(draw: st.DrawFn, schema: GraphQLSchema) -> str:
    """A query with up to three fragments, each of which may spread later ones."""
    conditions = draw(st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=3))
    fragments = [
        f"fragment F{number} on {kind} {selections(draw, schema, kind, conditions, number + 1, 2)}"
        for number, kind in enumerate(conditions)
    ]
    return " ".join([HEAD, selections(draw, schema, "Query", conditions, 0, 4), *fragments])


def selections(draw: st.DrawFn, schema: GraphQLSchema, kind: str, fragments: list[str], first: int, depth: int) -> str:
    """A selection set."""
    nodes = []
    for _ in range(draw(st.integers(1, 3))):
        directive = draw(st.sampled_from(DIRECTIVES))
        spreads = [number for number in range(first, len(fragments)) if fragments[number] in CONDITIONS[kind]]
        form = draw(st.sampled_from("fffis"))
        if form == "s" and spreads:
            nodes.append(f"...F{draw(st.sampled_from(spreads))} {directive}")
        elif form == "i" and depth:
            condition = draw(st.sampled_from([None, *CONDITIONS[kind]]))
            inner = selections(draw, schema, condition or kind, fragments, first, depth - 1)
            nodes.append(f"... {f'on {condition}' if condition else ''} {directive} {inner}")
        else:
            nodes.append(field(draw, schema, kind, directive, fragments, first, depth))
    return f"{{ {' '.join(nodes)} }}"


def field(
    draw: st.DrawFn, schema: GraphQLSchema, kind: str, directive: str, fragments: list[str], first: int, depth: int
) -> str:
    """A field: a scalar if ``depth`` is used up."""
    parent = schema.type_map[kind]
    fields = {} if isinstance(parent, GraphQLUnionType) else _fields(parent)
    names = [name for name, kind in fields.items() if depth or is_leaf_type(get_named_type(kind.type))]
    name = draw(st.sampled_from(["__typename", *names]))
    if name == "__typename":
        return f"{draw(st.sampled_from(['', 'kind: ']))}__typename {directive}"
    choice = draw(st.integers(0, len(ARGUMENTS.get(name, [""])) - 1))
    prefix = draw(st.sampled_from(["", "x"]))
    alias = f"{prefix}{name}{choice}: " if choice or prefix else ""
    below = get_named_type(fields[name].type)
    inner = "" if is_leaf_type(below) else selections(draw, schema, below.name, fragments, first, depth - 1)
    return f"{alias}{name}{ARGUMENTS.get(name, [''])[choice]} {directive} {inner}"


def _fields(kind: Any) -> Any:
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    return kind.fields


FILTER = {"expensive": "x", "all": [{"expensive": "y", "inner": {"cheap": True}}, {"text": None}]}
NUMBERS = st.sampled_from([None, -5, 0, 2, 7, 1_000])
VARIABLES = st.fixed_dictionaries(
    {"yes": st.booleans(), "no": st.booleans()},
    optional={
        "n": NUMBERS,
        "m": NUMBERS,
        "filter": st.sampled_from([None, {}, FILTER]),
        "text": st.sampled_from([None, "text"]),
        "rows": st.sampled_from([None, [], 3, [1, 2, 3, 4], [1] * 150]),
        "more": st.sampled_from([None, {}, {"count": None}, {"count": 4}]),
        "batch": st.sampled_from([None, {}, {"rows": 8}, {"rows": None, "more": None}, {"more": {"count": 1_000}}]),
    },
)


def answer(
    schema: GraphQLSchema,
    document: DocumentNode,
    variables: dict[str, Any],
    seed: int,
    resolved: set[str] | None = None,
) -> Any:
    """A possible response. Its lists are not longer than their declared sizes.

    The coordinates of the fields that were resolved for it are added to ``resolved``.
    """
    random = Random(seed)
    coordinates = set[str]() if resolved is None else resolved

    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        coordinates.add(f"{info.parent_type.name}.{info.field_name}")
        definition = info.parent_type.fields[info.field_name]
        size = (source or {}).get("sizes", {}).get(info.field_name, size_of(definition, arguments))
        return made(definition.type, size, handed(definition, arguments))

    def made(kind: Any, size: int, sizes: Any) -> Any:
        text = str(kind)
        if text.endswith("!"):
            return one(kind.of_type, sizes) if "[" not in text else made(kind.of_type, size, sizes)
        if random.random() < 0.15:
            return None
        if text.startswith("["):
            return [made(kind.of_type, size, sizes) for _ in range(random.randint(0, min(size, 4)))]
        return one(kind, sizes)

    def one(kind: Any, sizes: Any) -> Any:
        if is_leaf_type(kind):
            return {"Int": 1, "Colour": "RED"}.get(kind.name, "text")
        members = schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        return {"__typename": random.choice(members).name, "sizes": sizes}

    result = execute_sync(schema, document, field_resolver=resolve, variable_values=variables)
    assert not result.errors, result.errors
    return result.data
