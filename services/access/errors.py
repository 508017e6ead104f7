"""Errors of access."""

from collections.abc import Collection

from services.access.types import NO_SCOPES
from services.accounts.types import ApiTokenScope
from services.core.errors import CloudKeepError, ErrorCode


class Forbidden(CloudKeepError):
    """The viewer's API token may not do this. One of the scopes ``any_of`` would allow it; without any, none does."""

    code = ErrorCode.FORBIDDEN
    status = 403

    def __init__(self, message: str, any_of: Collection[ApiTokenScope] = NO_SCOPES) -> None:
        super().__init__(message)
        self.any_of = sorted(scope.value for scope in any_of)

    @property
    def extensions(self) -> dict[str, object]:
        """The code, and the scopes of which one is required."""
        return {**super().extensions, "requiredScopes": self.any_of}
