"""What every sign-in does beside checking who it is: it opens a session, by tokens or by a cookie."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from resolvers.context import Context
from resolvers.cookies import CookieName
from services.accounts.sessions.cookie_sessions import seconds_left
from services.accounts.sessions.sessions import Client
from services.accounts.sign_in.devices import LIFETIME as DEVICE_LIFETIME
from services.accounts.types import OpenSession


async def open_session(
    context: Context, sign_in: Callable[[Client], Awaitable[OpenSession]], *, cookies: bool | None
) -> OpenSession:
    """Sign in, with a session that is kept in a cookie if ``cookies`` is set.

    The cookie takes the place of the one that the browser has, whose session is closed: nothing can use it any more
    (OWASP ASVS 5.0.0, 7.2.4). Raises :class:`services.accounts.errors.CookiesRefused` before anything else.
    """
    if cookies:
        context.cookies.require()
    opened = await sign_in(replace(context.client, keeps_cookie=bool(cookies)))
    if opened.cookie is None:
        return opened
    await _close_former_session(context)
    context.set_cookie(CookieName.SESSION, opened.cookie, seconds_left(opened.session))
    if opened.device_token:
        context.set_cookie(CookieName.DEVICE, opened.device_token, int(DEVICE_LIFETIME.total_seconds()))
    # Scripts of the page need neither.
    return replace(opened, device_token=None)


async def _close_former_session(context: Context) -> None:
    former = context.authenticated if context.cookie(CookieName.SESSION) else None
    if former and former.session_id:
        await context.services.accounts.sessions.close(former.session_id)
