"""API tokens of the viewer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from resolvers.context import Context
from resolvers.pages import Listing, Page, PageArguments, parse_key
from services.access.permissions import Permission, require_permission, visible
from services.accounts.types import ApiTokenScope, NewApiToken
from services.core.ids import Prefix, decode, require_key
from storage.accounts.models import ApiToken


async def create(
    context: Context, *, name: str, scopes: Sequence[ApiTokenScope], expires_at: datetime | None
) -> NewApiToken:
    """Create a token of the viewer, in a session whose password was given recently.

    Raises :class:`services.accounts.errors.ReauthenticationRequired` in any other, and as
    :meth:`services.accounts.api_tokens.ApiTokens.create`.
    """
    viewer = context.viewer
    await context.services.accounts.sessions.require_recent_authentication(viewer)
    return await context.services.accounts.api_tokens.create(
        viewer.account_id, name=name, scopes=scopes, expires_at=expires_at, session_id=viewer.session_id
    )


async def revoke(context: Context, token_id: str) -> ApiToken:
    """Revoke a token of the viewer. Raises :class:`services.core.errors.NotFound`."""
    viewer, key = context.viewer, require_key(Prefix.API_TOKEN, token_id, field="apiTokenId")
    found = await context.services.accounts.api_tokens.find(key)
    row = require_permission(viewer, Permission.EDIT, found, "API token", field="apiTokenId")
    await context.services.accounts.api_tokens.revoke(row)
    return row


async def find(context: Context, token_id: str) -> ApiToken | None:
    """The token with this ID, if the viewer may see it."""
    viewer, key = context.viewer, decode(Prefix.API_TOKEN, token_id)
    return visible(viewer, await context.services.accounts.api_tokens.find(key)) if key else None


async def page(context: Context, account_id: UUID, arguments: PageArguments) -> Page[ApiToken]:
    """A page of the tokens of the viewer's account, the newest first.

    Raises :class:`services.core.errors.InvalidInput`.
    """
    tokens = context.services.accounts.api_tokens
    listing: Listing[ApiToken, UUID] = Listing(
        fetch=lambda window: tokens.page(account_id, window),
        count=lambda: tokens.count(account_id),
        key=lambda row: row.id,
        parse=parse_key,
    )
    return await listing.page(arguments)
