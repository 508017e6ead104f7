"""Hosts as requests and settings name them."""

import pytest

from services.core.hosts import Authority, is_loopback, parse_authority, to_ascii


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost", "localhost", None),
        ("LocalHost:8000", "localhost", 8000),
        ("drive.example.org.", "drive.example.org.", None),
        ("a", "a", None),
        ("cloudkeep_api-1:80", "cloudkeep_api-1", 80),
        ("127.0.0.1:65535", "127.0.0.1", 65_535),
        ("[::1]", "[::1]", None),
        ("[FD00::1]:443", "[fd00::1]", 443),
        ("localhost:", "localhost", None),
        ("localhost:080", "localhost", 80),
    ],
)
def test_a_host_and_its_port_are_told_apart(text: str, host: str, port: int | None) -> None:
    assert parse_authority(text) == Authority(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        ".",
        ".example.org",
        "a b",
        " a",
        "a\n",
        "a/b",
        "user@host",
        "a,b",
        "http://a",
        "a:b",
        "a:-1",
        "a:0",
        "a:65536",
        "a:123456",
        "a:80:80",
        "::1",
        "[]",
        "[::1",
        "[::1]x",
        "[127.0.0.1]",
        "[g::1]",
        "[fe80::1%25eth0]",
        "b\xfccher.example",
        "\u0661.example",
        "a" * 300,
    ],
    ids=ascii,
)
def test_anything_else_is_no_host(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither host|no IPv6|not appear to be"):
        parse_authority(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1", "127.0.0.1"), ("[::1]:80", "::1"), ("[::ffff:10.0.0.1]", "10.0.0.1"), ("2130706433", None)],
)
def test_only_an_address_in_its_usual_form_is_an_address(text: str, address: str | None) -> None:
    found = parse_authority(text).address
    assert (str(found) if found else None) == address


def test_an_international_name_is_compared_as_browsers_send_it() -> None:
    assert (to_ascii("B\xfccher.example"), to_ascii("Drive")) == ("xn--bcher-kva.example", "drive")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, True) for host in ("localhost", "a.b.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "::1")),
        *((host, False) for host in ("", "example.org", "xlocalhost", "localhost.example.org", "10.0.0.1", "[fd::1]")),
    ],
)
def test_loopback_hosts_are_the_machine_itself(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
