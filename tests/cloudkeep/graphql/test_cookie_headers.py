"""Cookies are read literally, so that none of another site passes for one of ours, and set as strictly as possible."""

import pytest

from cloudkeep.graphql.cookies import allows_secure_cookies, cookie_name, cookie_values, set_cookie

SECURE = [
    "https://drive.example.org",
    "http://localhost:8000",
    "http://a.localhost",
    "http://127.0.0.1:1",
    "http://[::1]",
]
PLAIN = ["http://drive.example.org", "http://192.168.1.2:8000", "http://localhost.example.org", "http://xlocalhost"]
NAME = "__Host-ck"


@pytest.mark.parametrize("url", SECURE)
def test_the_prefix_protects_a_cookie_where_browsers_allow_it(url: str) -> None:
    assert allows_secure_cookies(url)
    assert cookie_name("ck", url) == NAME
    assert set_cookie("ck", "abc", 60, url) == "__Host-ck=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"


@pytest.mark.parametrize("url", PLAIN)
def test_browsers_would_drop_a_secure_cookie_over_plain_http(url: str) -> None:
    assert set_cookie("ck", "abc", 60, url) == "ck=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"


def test_a_cookie_is_deleted_by_its_age() -> None:
    assert "__Host-ck=; Path=/; Max-Age=0;" in set_cookie("ck", "", 0, SECURE[0])


@pytest.mark.parametrize("value", ["a b", "a;b", "a,b", 'a"b', "a\\b", "a\nb", "a\r\nSet-Cookie: b", "ä", "a=b"])
def test_a_value_that_could_end_the_header_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no value"):
        set_cookie("ck", value, 60, SECURE[0])


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("", set()),
        ("__Host-ck=abc", {"abc"}),
        ("a=1; __Host-ck=abc; b=2", {"abc"}),
        ("a=1;__Host-ck=abc;b=2", {"abc"}),
        (" __Host-ck = abc ", {"abc"}),
        ("__Host-ck=abc; __Host-ck=abc", {"abc"}),
        ("__Host-ck=abc; __Host-ck=def", {"abc", "def"}),
        ("__Host-ck=abc; __Host-ck", {"abc", ""}),
        ("__Host-ck", {""}),
        ("__Host-ck=a=b", {"a=b"}),
    ],
)
def test_every_value_of_the_name_is_found(header: str, values: set[str]) -> None:
    assert cookie_values(header, NAME) == values


@pytest.mark.parametrize(
    "header",
    [
        "__host-ck=evil",  # names have a case
        "ck=evil",
        "x__Host-ck=evil",
        "__Host-ck-device=evil",
        "\xa0__Host-ck=evil",  # browsers accept white space of Unicode in a name, and so no prefix
        "\x85__Host-ck=evil",
        "\x0b__Host-ck=evil",
        "__Host-ck\xa0=evil",
        "=__Host-ck=evil",  # a cookie without a name
        'a="; __Host_ck=evil"',
        "$Version=1; $Path=/",
        "a=1, __Host-ck=evil",
        "\x00__Host-ck=evil",
    ],
)
def test_what_only_looks_like_the_name_is_another_cookie(header: str) -> None:
    assert cookie_values(header, NAME) == set()


def test_a_quote_of_another_cookie_hides_nothing() -> None:
    """Some parsers read a quoted value to its end, with the cookies in between, and so give them to another site."""
    assert cookie_values('a="1; __Host-ck=abc; b=2"', NAME) == {"abc"}


def test_a_huge_header_is_read_in_one_pass() -> None:
    values = cookie_values(";" * 30_000 + "=" * 30_000 + "; __Host-ck=abc;" + "a" * 10_000, NAME)
    assert values == {"abc"}
