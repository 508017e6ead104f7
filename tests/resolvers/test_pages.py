"""The size of a page, and where it begins and ends."""

import pytest

from resolvers.pages import page_size
from services.core.errors import InvalidInput


@pytest.mark.parametrize("first", [1, 50, 100])
def test_a_page_has_the_size_that_was_asked_for(first: int) -> None:
    assert page_size(first, 20, 100) == first


def test_a_page_of_no_said_size_has_the_usual_one() -> None:
    assert page_size(None, 20, 100) == 20


@pytest.mark.parametrize("first", [0, -1, 101, 2**31])
def test_a_page_is_neither_empty_nor_too_large(first: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 100") as refusal:
        page_size(first, 20, 100)
    assert refusal.value.field == "first"
