"""The actual cost of an operation, by its response."""

import pytest

from schema.cost.error_cost import Path
from schema.cost.weights import Weights
from tests.schema.cost.pricing import plan

USER = {"name": "Ada"}
ACTUAL = [
    ("{ user { name } }", {"user": USER}, 3),
    ("{ user { name } }", {"user": None}, 1),
    ("{ users { name } }", {"users": [USER, None, USER]}, 1 + 2 * 2),
    ("{ users { name } }", {"users": []}, 1),
    ("{ a: users { self { name } } }", {"a": [{"self": USER}, {"self": None}]}, 1 + (2 + 1 + 2) + (2 + 1)),
    ("{ matrix { owner { name } } }", {"matrix": [[{"owner": USER}, None], None, []]}, 1 + 1 + 1 + 2),
    ("{ user { pictures } }", {"user": {"pictures": ["x", None, "y"]}}, 3 + 2 * 3),
    ("{ user { picture } }", {"user": {"picture": None}}, 3),
    ("{ page { items { owner { name } } } }", {"page": {"items": [{"owner": USER}]}}, 2 + 1 + 1 + 3),
    ("{ things { kind: __typename } }", {"things": [{"kind": "Group"}, {"kind": "Item"}]}, 1 + 5 + 1),
    # Without its name, a type is recognized by the fields that were selected on it,
    (
        "{ things { ... on User { name } ... on Group { title } } }",
        {"things": [USER, {"title": "x"}, {}]},
        1 + 2 + 5 + 1,
    ),
    # and if several types have these fields, it is the most expensive of them.
    ("{ things { ... on Named { name } } }", {"things": [USER]}, 1 + 2),
    ("{ named { friend { friend { name } } } }", {"named": {"friend": {"friend": USER}}}, (1 + 2) + (1 + 2) + (1 + 2)),
    ("{ search(filter: {}) { name } }", {"search": None}, 4 + 5),
    ("{ __typename user @skip(if: true) { name } }", {"__typename": "Query"}, 0),
    # The fields of the root were resolved although there is no data.
    ("mutation { make { name } }", None, 10),
]


@pytest.mark.parametrize(("document", "data", "expected"), ACTUAL)
def test_the_actual_cost_is_that_of_the_objects_in_the_response(
    rich: Weights, document: str, data: dict[str, object], expected: int
) -> None:
    operation = plan(rich, document)
    assert operation.actual(data) == expected
    assert operation.actual(data) <= operation.price()


FAILED: list[tuple[str, dict[str, object] | None, list[Path], int]] = [
    # Fields that were resolved beside the failed field are paid for, although they are not in the response. Fields
    # below the failed field are not.
    ("{ users { name } user { name } }", None, [("user",)], 1 + 5 * 2 + 1),
    ("{ users { self { name } picture } }", None, [("users", 0, "self")], 1 + 5 * (2 + 3 + 3) - 2),
    ("{ users { self { name } } }", {"users": [{"self": USER}, None]}, [("users", 1, "self")], 6 + 3),
    ("{ user { self { name } friend { name } } }", {"user": None}, [("user", "self")], 1 + 2 + 1 + 1 + 2),
    # A failed field costs as much as resolving it,
    ("{ user { name } }", None, [("user",)], 1),
    ("{ user { self { name } } }", {"user": {"self": None}}, [("user", "self")], 1 + 2 + 1),
    # once for several errors, and together with other failed fields.
    ("{ user { name } }", None, [("user",), ("user",)], 1),
    ("{ a: user { name } b: user { name } }", None, [("a",), ("b",)], 2),
    # Scalars add nothing.
    ("{ user { name } }", {"user": {"name": None}}, [("user", "name")], 3),
    ("{ user { name } }", {"user": None}, [("user", "name")], 3),
    # If the response does not show the type of an object, the most expensive type counts.
    ("{ things { ... on User { name } ... on Group { title } } }", {"things": [None]}, [("things", 0, "name")], 1 + 5),
    ("{ matrix { owner { name } } }", {"matrix": [None]}, [("matrix", 0, 1, "owner")], 1 + 9 * 4 - 2),
    (
        "{ matrix { owner { name } } }",
        {"matrix": [None, None]},
        [("matrix", 0, 1, "owner"), ("matrix", 1, 1, "owner")],
        1 + 9 * 4,
    ),
]


@pytest.mark.parametrize(("document", "data", "failed", "expected"), FAILED)
def test_fields_that_were_resolved_beside_a_failed_one_are_paid_for(
    rich: Weights, document: str, data: dict[str, object] | None, failed: list[Path], expected: int
) -> None:
    operation = plan(rich, document)
    assert operation.actual(data, {}, failed) == expected
    assert operation.actual(data, {}, failed) <= operation.price()


def test_the_actual_cost_depends_on_the_variables(rich: Weights) -> None:
    document = """query ($filter: Filter, $yes: Boolean!) {
        search(filter: $filter) { name @skip(if: $yes) }
        user @include(if: $yes) { name }
    }"""
    operation = plan(rich, document)
    assert operation.actual({"search": None}, {"yes": False}) == 4
    assert operation.actual({"search": None}, {"yes": False, "filter": {"expensive": "x"}}) == 4 + 5 + 7
    assert operation.actual({"search": {}, "user": USER}, {"yes": True, "filter": {}}) == 4 + 5 + 2 + 3


def test_an_object_of_unknown_type_is_visited_once_for_each_possible_type(rich: Weights) -> None:
    # With two types at each of 14 levels, there are 16,384 combinations.
    depth = 14
    data: dict[str, object] = {"name": "x"}
    for _ in range(depth):
        data = {"friend": data}
    document = "{ named" + " { friend" * depth + " { name }" + " }" * (depth + 1)
    assert plan(rich, document).actual({"named": data}) == (depth + 1) * (1 + 2)


def test_the_price_by_field_adds_up(rich: Weights) -> None:
    operation = plan(rich, "{ a: users(first: 2) { self { name } picture } user { name } }")
    rows = [(entry.path, entry.coordinate, entry.count, entry.cost, entry.total) for entry in operation.entries()]
    assert rows == [
        ("a", "Query.users", 1, 1, 1 + 2 * (2 + 3 + 3)),
        ("user", "Query.user", 1, 1, 3),
        ("a.self", "User.self", 2, 2, 2 * 3),
        ("a.picture", "User.picture", 2, 0, 2 * 3),
        ("user.name", "User.name", 1, 0, 0),
        ("a.self.name", "User.name", 2, 0, 0),
    ]


def test_the_price_by_field_has_at_most_a_thousand_entries(rich: Weights) -> None:
    aliases = " ".join(f"a{number}: users {{ name self {{ name colour }} }}" for number in range(300))
    rows = plan(rich, f"{{ {aliases} }}").entries()
    assert len(rows) == 1_000
    assert [row.path for row in rows[:300]] == [f"a{number}" for number in range(300)]
