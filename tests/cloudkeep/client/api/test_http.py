"""The settings of the HTTP client, and the interpretation of responses."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import trustme

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.http import (
    network_errors_retryable,
    open_http,
    origin,
    raise_if_retryable,
    retry_after_header,
)
from cloudkeep.client.api.session import Session
from cloudkeep.client.errors import RetryableError, UsageError
from tests.support.faults.proxy import Proxy, proxy

SECRET = "https://u:pw@drive.example.org:8443/uploads/1/chunks/2?signature=secret"


@pytest.mark.parametrize("no_proxy", ["", "[::1],127.0.0.0/8", "example.org"])
async def test_a_server_on_this_machine_is_reached_without_a_proxy(
    server: str, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    async with open_http(server) as http:
        await Session(GraphQL(http, server)).check()


async def test_a_server_elsewhere_is_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch, front: Proxy) -> None:
    monkeypatch.setenv("http_proxy", front.url)
    async with open_http("http://drive.example.org") as http:
        assert (await http.get("http://drive.example.org/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"), [("HTTP_PROXY", "nonsense://x"), ("NO_PROXY", "[::1]"), ("SSL_CERT_FILE", "/does/not/exist")]
)
def test_invalid_environment_variables_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name):
        open_http("http://drive.example.org")


def test_messages_only_show_the_origin_of_a_signed_url() -> None:
    assert origin(SECRET) == "https://drive.example.org:8443"
    with pytest.raises(RetryableError) as caught, network_errors_retryable(SECRET):
        raise httpx.ReadError("x")
    assert str(caught.value) == "the connection to https://drive.example.org:8443 was lost"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 507])
def test_temporary_statuses_are_retried(status: int) -> None:
    with pytest.raises(RetryableError, match=f"^https://drive.example.org:8443 answers {status} "):
        raise_if_retryable(httpx.Response(status, request=httpx.Request("PUT", SECRET)))


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 409, 413])
def test_other_statuses_are_not_retried(status: int) -> None:
    raise_if_retryable(httpx.Response(status, request=httpx.Request("PUT", SECRET)))


@pytest.mark.parametrize(("field", "seconds"), [("3", 3.0), ("", 0.0), ("soon", 0.0), ("-4", 0.0), ("1.5", 0.0)])
def test_retry_after_counts_seconds(field: str, seconds: float) -> None:
    assert retry_after_header(httpx.Response(503, headers={"Retry-After": field})) == seconds


def test_retry_after_accepts_dates() -> None:
    field = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < retry_after_header(httpx.Response(503, headers={"Retry-After": field})) <= 100
    assert retry_after_header(httpx.Response(503, headers={"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"})) == 0


async def test_https_works_and_an_untrusted_certificate_is_named_in_the_error(
    front: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trusted = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    async with proxy(int(front.url.rpartition(":")[2]), context) as safe:
        async with open_http(safe.url) as http:
            with pytest.raises(RetryableError, match="its certificate is not trusted"):
                await GraphQL(http, safe.url).execute("{ me { id } }", {}, None)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        async with open_http(safe.url) as http:
            await Session(GraphQL(http, safe.url)).check()
