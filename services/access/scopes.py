"""The scopes of API tokens. A scope limits what a token may use; permissions on items are checked in addition."""

from services.access.errors import Forbidden
from services.access.types import TokenRequirement
from services.accounts.tokens import Viewer


def require_scope(viewer: Viewer | None, requirement: TokenRequirement, name: str) -> None:
    """Raise :class:`Forbidden` if the viewer has an API token that may not use what ``name`` names, such as a field.

    Sessions have no scopes, and may do everything. Anonymous clients are refused where a viewer is needed.
    """
    if viewer is None or viewer.scopes is None:
        return
    if not requirement.allows_tokens:
        raise Forbidden(f"No API token may use {name}. Sign in instead.")
    if requirement.any_of and not requirement.any_of & viewer.scopes:
        raise Forbidden(_message(requirement, name), requirement.any_of)


def _message(requirement: TokenRequirement, name: str) -> str:
    scopes = sorted(requirement.any_of)
    needed = f"the scope {scopes[0]}" if len(scopes) == 1 else f"one of the scopes {' and '.join(scopes)}"
    return f"{name} needs an API token with {needed}."
