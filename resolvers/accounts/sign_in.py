"""Sign-in."""

from resolvers.context import Context
from services.accounts.types import OpenSession


async def login(context: Context, *, name: str, password: str, device_token: str | None) -> OpenSession:
    """Open a session. For errors see :meth:`services.accounts.sign_in.SignIn.login`."""
    return await context.services.sign_in.login(
        name=name, password=password, client=context.client, device_token=device_token
    )
