"""The cookies of a request and of its response, for the resolvers."""

from typing import cast

import pytest

from resolvers.context import NO_COOKIES, RequestContext
from resolvers.cookies import Cookie, CookieName, Cookies
from services.accounts.errors import CookiesRefused
from services.container import Services

#: These tests use no service.
NO_SERVICES = cast(Services, object())


def test_the_last_change_of_a_cookie_counts() -> None:
    cookies = Cookies(None)
    cookies.set(Cookie(CookieName.SESSION, "old", 60))
    cookies.set(Cookie(CookieName.DEVICE, "device", 60))
    cookies.clear(CookieName.SESSION)
    assert cookies.changes == [Cookie(CookieName.SESSION, "", 0), Cookie(CookieName.DEVICE, "device", 60)]


def test_a_refusal_says_why_and_names_the_field() -> None:
    cookies = Cookies("Not here.")
    with pytest.raises(CookiesRefused, match="Not here") as refused:
        cookies.require()
    assert refused.value.field == "cookies"
    with pytest.raises(CookiesRefused):
        cookies.set(Cookie(CookieName.SESSION, "value", 60))


def test_where_no_cookie_can_be_set_none_is_deleted() -> None:
    cookies = Cookies("Not here.")
    cookies.clear(CookieName.SESSION)
    assert cookies.changes == []


def test_the_operations_of_a_request_share_its_cookies() -> None:
    cookies = Cookies(None, {CookieName.DEVICE: "known"})
    request = RequestContext(NO_SERVICES, "192.0.2.1", "http://localhost:8000", cookies=cookies)
    first, second = request.for_operation(), request.for_operation()
    first.set_cookie(CookieName.SESSION, "value", 60)
    second.clear_session_cookie()
    assert [cookie.max_age for cookie in cookies.changes] == [0]
    assert (second.cookie(CookieName.DEVICE), second.cookie(CookieName.SESSION)) == ("known", None)


def test_a_transport_that_says_nothing_has_no_cookies() -> None:
    request = RequestContext(NO_SERVICES, "192.0.2.1", "http://localhost:8000")
    with pytest.raises(CookiesRefused, match=NO_COOKIES):
        request.for_operation().set_cookie(CookieName.SESSION, "value", 60)
