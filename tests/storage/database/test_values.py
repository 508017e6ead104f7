"""Placeholders and parts of many values."""

from storage.database.values import marks, parts


def test_each_value_has_a_placeholder() -> None:
    assert [marks(values) for values in ((), [1], {1, 2, 3})] == ["", "?", "?, ?, ?"]


def test_parts_have_all_values_in_order() -> None:
    assert list(parts(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(parts({}, 2)) == []
