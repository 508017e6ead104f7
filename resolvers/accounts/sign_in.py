"""Sign-in."""

from resolvers.context import Context
from services.accounts.types import OpenSession


async def login(context: Context, *, user_id: str, password: str) -> OpenSession:
    """Open a session with a user ID and a password."""
    return await context.services.sign_in.login(user_id=user_id, password=password, client=context.client)
