"""Only a POST with JSON from a page of our own origin uses cookies, and only without an Authorization header."""

from itertools import product

import pytest

from cloudkeep.graphql.cookie_rule import CookieRefusal, refusal_of_request, refusal_of_websocket
from cloudkeep.graphql.request import RequestHeaders

OURS = "https://drive.example.org"
PUBLIC = "https://files.example.org:8443"
JSON = "application/json"

METHODS = ("POST", "GET", "HEAD", "PUT", "OPTIONS", "post")
CONTENT_TYPES = (
    *(JSON, "application/json; charset=utf-8", "APPLICATION/JSON"),
    *("", "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "multipart/form-data"),
    *("application/json, text/plain", "application/jsonp", "application/graphql-response+json"),
)
SITES = (
    *("same-origin", "", "same-site", "cross-site", "none", "Same-Origin", "same-origin, cross-site"),
    *("same-origin, same-origin", " same-origin", "x"),
)
ORIGINS = (
    *(OURS, PUBLIC, "", "null", "https://evil.example", "http://drive.example.org", "https://drive.example.org:8443"),
    *("https://drive.example.org.evil.example", "https://x.drive.example.org", "https://drive.example.org/"),
    *(f"{OURS}, https://evil.example", f"{OURS}, {OURS}", "HTTPS://DRIVE.EXAMPLE.ORG"),
)
AUTHORIZATIONS = ("", "Bearer x", "Basic x", "x")

#: What a browser sends for a page of our own origin: a new one, one over plain http, and one behind a proxy that
#: changes Host.
ALLOWED = {
    ("POST", content_type, site, origin, "")
    for content_type in CONTENT_TYPES[:3]
    for site, origin in [
        *(("same-origin", origin) for origin in ORIGINS),
        ("", OURS),
        ("", PUBLIC),
    ]
}


def headers(*, content_type: str = "", site: str = "", origin: str = "", authorization: str = "") -> RequestHeaders:
    """The headers as the server reads them from a request."""
    sent = {"content-type": content_type, "sec-fetch-site": site, "origin": origin, "authorization": authorization}
    return RequestHeaders.of({"headers": [(name.encode(), value.encode()) for name, value in sent.items() if value]})


def test_exactly_these_requests_use_cookies() -> None:
    table = product(METHODS, CONTENT_TYPES, SITES, ORIGINS, AUTHORIZATIONS)
    found = {
        (method, content_type, site, origin, authorization)
        for method, content_type, site, origin, authorization in table
        if refusal_of_request(
            method,
            headers(content_type=content_type, site=site, origin=origin, authorization=authorization),
            (OURS, PUBLIC),
        )
        is None
    }
    assert found == ALLOWED


@pytest.mark.parametrize(
    ("method", "given", "reason"),
    [
        ("POST", headers(authorization="Bearer x"), CookieRefusal.AUTHORIZATION),
        ("GET", headers(content_type=JSON, site="same-origin"), CookieRefusal.METHOD),
        ("POST", headers(content_type="text/plain", site="same-origin"), CookieRefusal.CONTENT_TYPE),
        ("POST", headers(content_type=JSON, site="same-site", origin=OURS), CookieRefusal.CROSS_ORIGIN),
        ("POST", headers(content_type=JSON), CookieRefusal.CROSS_ORIGIN),
    ],
)
def test_a_refusal_says_why(method: str, given: RequestHeaders, reason: CookieRefusal) -> None:
    assert refusal_of_request(method, given, (OURS, PUBLIC)) is reason


def test_exactly_our_own_pages_use_cookies_in_a_websocket() -> None:
    found = {
        (site, origin, authorization)
        for site, origin, authorization in product(SITES, ORIGINS, AUTHORIZATIONS)
        if refusal_of_websocket(headers(site=site, origin=origin, authorization=authorization), (OURS, PUBLIC)) is None
    }
    assert found == {(site, origin, "") for site in SITES for origin in (OURS, PUBLIC)}


def test_a_server_without_a_known_origin_accepts_none() -> None:
    assert refusal_of_request("POST", headers(content_type=JSON), ("", "")) is CookieRefusal.CROSS_ORIGIN
    assert refusal_of_websocket(headers(), ("", "")) is CookieRefusal.CROSS_ORIGIN
