"""Signs in the viewer of a request or of a WebSocket, by a bearer token or by a session cookie."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection, Request

from cloudkeep.graphql.cookie_rule import CookieRefusal, refusal_of_request, refusal_of_websocket
from cloudkeep.graphql.cookies import cookie_name, cookie_values
from cloudkeep.graphql.request import RequestError, RequestHeaders, bearer_token
from endpoints.state import address_of, base_url_of, services_of
from resolvers.context import RequestContext
from resolvers.cookies import Cookie, CookieName, Cookies
from services.accounts.errors import Unauthenticated
from services.accounts.tokens import Viewer
from services.core.errors import DATABASE_AWAY, ErrorCode, refusal_of
from services.core.log_context import bind_log_context

#: A page of another subdomain can add a cookie of our name where the prefix cannot protect it. The cookie is not
#: deleted then: that would delete ours, and leave the other one.
AMBIGUOUS = "The request has several session cookies. Delete this server's cookies, and sign in again."
WEBSOCKET = "A WebSocket cannot set cookies. Sign in by a POST."


async def context_of_request(request: Request, headers: RequestHeaders, public_origin: str) -> RequestContext:
    """The context of an HTTP request. It says why a token or a cookie is not accepted.

    Raises :class:`RequestError` for a request with a session cookie from a page of another origin.
    """
    refusal = refusal_of_request(request.method, headers, _own_origins(request, public_origin))
    if refusal is CookieRefusal.CROSS_ORIGIN and _sent(request, headers, CookieName.SESSION):
        raise RequestError(403, refusal.value, ErrorCode.CROSS_ORIGIN_REQUEST)
    return await _signed_in(request, headers, Cookies(refusal), may_read=refusal is None)


async def context_of_websocket(
    connection: HTTPConnection, headers: RequestHeaders, public_origin: str
) -> RequestContext:
    """The context of a WebSocket. Its cookie counts for pages of our own origin, and is ignored for all others.

    The others are pages of ``CORS_ORIGINS``, which sign in by ``connection_init``, and cannot stop a browser that adds
    cookies. If their handshake were refused, they would fail for people who have also signed in here.
    """
    refusal = refusal_of_websocket(headers, _own_origins(connection, public_origin))
    return await _signed_in(connection, headers, Cookies(WEBSOCKET), may_read=refusal is None)


async def sign_in_by_token(context: RequestContext, token: str) -> None:
    """Sign in the viewer of a bearer token, or store why the token is not accepted."""
    with _storing_refusals(context):
        _sign_in(context, await context.services.accounts.authentication.by_bearer_token(token, context.client))


def _own_origins(connection: HTTPConnection, public_origin: str) -> Collection[str]:
    return (base_url_of(connection), public_origin)


def _sent(connection: HTTPConnection, headers: RequestHeaders, name: CookieName) -> set[str]:
    return cookie_values(headers.cookie, cookie_name(name, base_url_of(connection)))


async def _signed_in(
    connection: HTTPConnection, headers: RequestHeaders, cookies: Cookies, *, may_read: bool
) -> RequestContext:
    context = RequestContext(services_of(connection), address_of(connection), base_url_of(connection), cookies=cookies)
    context.user_agent = connection.headers.get("user-agent")
    if token := bearer_token(headers.authorization):
        await sign_in_by_token(context, token)
    elif may_read and headers.cookie:
        sent = {name: _sent(connection, headers, name) for name in CookieName}
        # Of several values, any could be another site's.
        cookies.received = {name: next(iter(values)) for name, values in sent.items() if len(values) == 1}
        with _storing_refusals(context):
            await _sign_in_by_cookie(context, sent[CookieName.SESSION])
    return context


@contextmanager
def _storing_refusals(context: RequestContext) -> Iterator[None]:
    try:
        yield
    except (Unauthenticated, *DATABASE_AWAY) as error:
        context.token_error = refusal_of(error)


async def _sign_in_by_cookie(context: RequestContext, secrets: Collection[str]) -> None:
    """Sign in the viewer of a session cookie, if there is one. A cookie of a session that has ended is deleted.

    Raises :class:`Unauthenticated`.
    """
    if not secrets:
        return
    if len(secrets) > 1:
        raise Unauthenticated(AMBIGUOUS)
    (secret,) = secrets
    try:
        found = await context.services.accounts.authentication.by_cookie(secret, context.client)
    except Unauthenticated:
        context.cookies.clear(CookieName.SESSION)
        raise
    _sign_in(context, found.viewer)
    if found.max_age is not None and not context.cookies.refusal:
        context.cookies.set(Cookie(CookieName.SESSION, secret, found.max_age))


def _sign_in(context: RequestContext, viewer: Viewer) -> None:
    context.sign_in(viewer)
    bind_log_context(account_id=viewer.account_id)
