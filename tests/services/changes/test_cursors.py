"""Cursors of the feed."""

import pytest

from services.changes.cursors import LARGEST, FeedCursor, parse
from services.core.errors import InvalidInput

MALFORMED = (
    "", "0", "0-0", "A" * 15, "A" * 17, "A" * 15 + "=", "A" * 15 + "+", "A" * 15 + "é", "A" * 15 + "\n", "\0" * 16,
    # No number of a column.
    str(FeedCursor(LARGEST + 1, 1)),
    # There is no event before the first one.
    str(FeedCursor(0, 1)),
)  # fmt: skip


@pytest.mark.parametrize("cursor", [FeedCursor(), FeedCursor(1, 0), FeedCursor(7, 2**32 - 1), FeedCursor(LARGEST, 5)])
def test_a_cursor_is_read_as_it_was_written(cursor: FeedCursor) -> None:
    assert parse(str(cursor)) == cursor


@pytest.mark.parametrize("text", MALFORMED)
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(text)
    assert raised.value.field == "after"
