"""Sign-in."""

from resolvers.accounts.opened_session import open_session
from resolvers.context import Context
from resolvers.cookies import CookieName
from services.accounts.sessions.sessions import Client
from services.accounts.types import OpenSession


async def login(
    context: Context, *, name: str, password: str, device_token: str | None, cookies: bool | None
) -> OpenSession:
    """Open a session. For errors see :meth:`services.accounts.sign_in.sign_in.SignIn.login`."""
    device = device_token or context.cookie(CookieName.DEVICE)

    async def sign_in(client: Client) -> OpenSession:
        return await context.services.accounts.sign_in.login(
            name=name, password=password, client=client, device_token=device
        )

    return await open_session(context, sign_in, cookies=cookies)
