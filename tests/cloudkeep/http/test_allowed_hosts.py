"""The hosts that requests may be for, and the base URL of links."""

from collections.abc import Sequence

import pytest

from cloudkeep.http.allowed_hosts import AllowedHosts
from services.core.hosts import parse_authority

LAN = "192.168.1.5"
HTTPS = "https://drive.example.org"


def allows(host: str, *extra: str, public_url: str = HTTPS, local: str = LAN) -> bool:
    return AllowedHosts(public_url, extra).allows(parse_authority(host), local)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost.", "LOCALHOST:9", "a.b.localhost", "127.0.0.1", "127.8.9.1:80", "[::1]:1"]
)
def test_loopback_names_and_addresses_are_always_allowed(host: str) -> None:
    assert allows(host)


@pytest.mark.parametrize("host", ["drive.example.org", "DRIVE.example.org.", "drive.example.org:8443"])
def test_the_host_of_the_public_url_is_allowed_at_any_port(host: str) -> None:
    assert allows(host)


def test_an_international_public_url_is_allowed_as_browsers_send_it() -> None:
    assert allows("xn--bcher-kva.example", public_url="https://b\xfccher.example")


@pytest.mark.parametrize(
    ("host", "local"),
    [
        (LAN, LAN),
        (f"{LAN}:8000", f"::ffff:{LAN}"),
        (f"[::ffff:{LAN}]", LAN),
        ("[fe80::1]", "fe80::1%eth0"),
        ("[fd00:0::1]", "fd00::1"),
    ],
)
def test_the_address_that_a_connection_arrived_at_is_allowed(host: str, local: str) -> None:
    assert allows(host, local=local)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "drive.example.org.evil.example",
        "evil.drive.example.org",
        "example.org",
        "192.168.1.6",
        "0.0.0.0",
        "[::]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "192.168.1.5.nip.io",
        "[fd00::1]",
    ],
)
def test_no_other_name_or_address_is_allowed(host: str) -> None:
    assert not allows(host)


@pytest.mark.parametrize("local", ["", "/run/cloudkeep.sock"])
def test_a_connection_without_an_address_allows_none(local: str) -> None:
    assert not allows(LAN, local=local)


@pytest.mark.parametrize(
    ("host", "extra", "expected"),
    [
        ("nas.lan:8000", ("nas.lan",), True),
        ("nas.lan", ("nas.lan.",), True),
        ("a.nas.lan", ("nas.lan",), False),
        ("a.b.lan", (".b.lan",), True),
        ("b.lan", (".b.lan",), True),
        ("ab.lan", (".b.lan",), False),
        ("203.0.113.9", ("203.0.113.9",), True),
        ("[FD00:0::9]", ("[fd00::9]",), True),
        ("evil.example", ("*",), True),
        ("203.0.113.9", ("*",), True),
    ],
)
def test_the_setting_adds_hosts_domains_or_all(host: str, extra: Sequence[str], expected: bool) -> None:
    assert allows(host, *extra) is expected


@pytest.mark.parametrize(
    ("public_url", "host", "scheme", "expected"),
    [
        ("http://localhost:8000", "localhost:9000", "http", "http://localhost:9000"),
        ("http://localhost:8000", "127.0.0.1:8000", "http", "http://127.0.0.1:8000"),
        ("http://localhost:8000", "[::1]:8000", "https", "https://[::1]:8000"),
        ("http://localhost:8000", "localhost:8000", "https", "https://localhost:8000"),
        ("http://localhost:8000", "localhost:80", "http", "http://localhost"),
        ("http://localhost:8000", "localhost:443", "https", "https://localhost"),
        (HTTPS, "nas.lan", "http", "http://nas.lan"),
        (HTTPS, "drive.example.org:8443", "http", "http://drive.example.org:8443"),
    ],
)
def test_links_begin_with_the_scheme_and_host_of_the_request(
    public_url: str, host: str, scheme: str, expected: str
) -> None:
    assert AllowedHosts(public_url).base_url(parse_authority(host), scheme) == expected


@pytest.mark.parametrize("host", ["drive.example.org", "drive.example.org:443", "Drive.example.org."])
def test_links_to_an_https_public_url_are_never_downgraded(host: str) -> None:
    assert AllowedHosts(HTTPS).base_url(parse_authority(host), "http") == HTTPS
