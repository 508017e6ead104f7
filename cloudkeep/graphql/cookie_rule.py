"""The rule that says which requests may use cookies. Browsers add cookies by themselves, also for pages of others.

SameSite does not answer this: a page of another port or of another subdomain is of the same site. So the browser has to
say that the page has our own origin, and the request must be one that such a page sends on purpose:

- A request with ``Authorization`` uses no cookies, so that it has one account, whatever the browser adds.
- Over HTTP, only a POST with JSON. A link, an image, or a form of another site cannot send one.
- ``Sec-Fetch-Site: same-origin``. No script can set this header (Fetch Metadata, section 3). Browsers leave it out over
  plain http, except on loopback addresses; then ``Origin`` has to be our own.
- A WebSocket has no reliable ``Sec-Fetch-Site``, and each browser sends its ``Origin``.

The rule is the same for cookies that a request has and for those that its response sets. Otherwise another site could
sign a person in to its own account, and read later what the person stores there (login CSRF).
"""

from collections.abc import Collection
from enum import StrEnum

from cloudkeep.graphql.media_types import is_json
from cloudkeep.graphql.request import RequestHeaders

SAME_ORIGIN = "same-origin"


class CookieRefusal(StrEnum):
    """Why a request may not use cookies. The values are messages for clients."""

    AUTHORIZATION = "A request with an Authorization header uses no cookies."
    METHOD = "Only a POST uses cookies."
    CONTENT_TYPE = "Only a request with a JSON body uses cookies."
    CROSS_ORIGIN = "Only pages of this server's own origin may use its cookies."


def refusal_of_request(method: str, headers: RequestHeaders, own_origins: Collection[str]) -> CookieRefusal | None:
    """Why this HTTP request may not use cookies; None if it may. ``own_origins`` are those of this server."""
    if headers.authorization:
        return CookieRefusal.AUTHORIZATION
    if method != "POST":
        return CookieRefusal.METHOD
    if not is_json(headers.content_type):
        return CookieRefusal.CONTENT_TYPE
    site = headers.sec_fetch_site
    is_own = site == SAME_ORIGIN if site else _is_own(headers.origin, own_origins)
    return None if is_own else CookieRefusal.CROSS_ORIGIN


def refusal_of_websocket(headers: RequestHeaders, own_origins: Collection[str]) -> CookieRefusal | None:
    """Why a WebSocket with this handshake may not use cookies; None if it may."""
    if headers.authorization:
        return CookieRefusal.AUTHORIZATION
    return None if _is_own(headers.origin, own_origins) else CookieRefusal.CROSS_ORIGIN


def _is_own(origin: str, own_origins: Collection[str]) -> bool:
    # Without a header, there is nothing to compare.
    return bool(origin) and origin in own_origins
