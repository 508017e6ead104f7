"""What API tokens need, and what signed URLs of downloads allow."""

from dataclasses import dataclass
from enum import StrEnum

from services.accounts.types import ApiTokenScope

NO_SCOPES: frozenset[ApiTokenScope] = frozenset()


class Disposition(StrEnum):
    """What a browser does with a download: it stores a file, or shows it if its type is safe to show."""

    ATTACHMENT = "ATTACHMENT"
    INLINE = "INLINE"


@dataclass(frozen=True)
class TokenRequirement:
    """What an API token needs for one use of the server: one of the scopes ``any_of``, or none if that is empty.

    Where ``allows_tokens`` is False, no API token will do. Sessions and anonymous clients need nothing.
    """

    any_of: frozenset[ApiTokenScope] = NO_SCOPES
    allows_tokens: bool = True


ANY_TOKEN = TokenRequirement()
NO_TOKEN = TokenRequirement(allows_tokens=False)
