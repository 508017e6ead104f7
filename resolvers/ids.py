"""IDs as clients write them."""

from uuid import UUID

from services.core.errors import NotFound


def parse_id(text: str) -> UUID | None:
    """The key behind an ID; None when it cannot be one, which is the same as an unknown one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def require_id(text: str, thing: str) -> UUID:
    """The key behind an ID. Raises :class:`NotFound`, naming the ``thing``."""
    key = parse_id(text)
    if key is None:
        raise NotFound(f"There is no such {thing}.")
    return key
