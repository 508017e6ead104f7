"""Tables of text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cloudkeep.client.display.tables import table, time_text


def test_columns_are_aligned_and_lines_have_no_spaces_at_their_end() -> None:
    assert table(("NAME", "SIZE"), [("a long name", "7"), ("b", "")]) == "NAME         SIZE\na long name  7\nb\n"


def test_control_characters_of_other_people_are_escaped() -> None:
    assert table(("NAME",), [("red\x1b[31m\nline",)]) == "NAME\nred\\x1b[31m\\nline\n"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, "-"),
        (datetime(2026, 11, 30, 12, 5, 59, tzinfo=UTC), "2026-11-30 12:05"),
        (datetime(2026, 11, 30, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2026-11-29 23:00"),
        ("2026-11-30T12:05:59+00:00", "2026-11-30 12:05"),
    ],
)
def test_times_are_in_utc(moment: datetime | str | None, text: str) -> None:
    assert time_text(moment) == text
