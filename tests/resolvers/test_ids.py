"""IDs as clients write them."""

from uuid import UUID

import pytest

from resolvers.ids import parse_id, require_id
from services.core.errors import NotFound

KEY = UUID("9f2b1c4e-7a55-4d0e-8a3c-0c6f5d1e2b7a")


@pytest.mark.parametrize("text", [str(KEY), str(KEY).upper(), KEY.hex])
def test_an_id_is_a_uuid(text: str) -> None:
    assert parse_id(text) == require_id(text, "upload") == KEY


@pytest.mark.parametrize("text", ["", "1", "x" * 36, str(KEY)[:-1], f"{KEY}0", "\0", "\ud800", "ä" * 32, "-" * 36])
def test_what_is_no_id_is_the_same_as_an_unknown_one(text: str) -> None:
    assert parse_id(text) is None
    with pytest.raises(NotFound, match="There is no such upload"):
        require_id(text, "upload")


def test_an_unknown_id_is_found_out_later() -> None:
    assert parse_id(str(UUID(int=0))) == UUID(int=0)
