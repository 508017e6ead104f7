"""The number of values in variables."""

import pytest

from schema.execution.variables import MAX_VALUES, values_in


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (None, 0),
        ({}, 0),
        ({"a": 1, "b": "text"}, 2),
        ({"a": [1, 2, [3, {"x": None}]]}, 1 + 3 + 2 + 1),
        ({"a": [1] * 20_000}, MAX_VALUES + 1),
        ({"a": [[]] * MAX_VALUES}, MAX_VALUES + 1),
        ({"a": [1] * (MAX_VALUES - 1)}, MAX_VALUES),
    ],
)
def test_values_in_lists_and_objects_are_counted(variables: dict[str, object] | None, expected: int) -> None:
    assert values_in(variables) == expected


def test_values_are_counted_at_any_depth() -> None:
    deep: object = 1
    for _ in range(5_000):
        deep = {"a": [deep]}
    assert values_in({"a": deep}) == 10_001
