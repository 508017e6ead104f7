"""The profile of the viewer."""

from resolvers.context import Context
from services.accounts import profile
from services.accounts.types import ProfileChanges
from storage.accounts.models import Account


async def update(context: Context, changes: ProfileChanges) -> Account:
    """Change the name or the language of the viewer."""
    return await profile.update(context.viewer, changes)
