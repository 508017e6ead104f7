"""The client of a request, as trusted proxies report it. Reports of other peers are ignored."""

import random
from collections.abc import Sequence

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from cloudkeep.http.proxy_headers import MAX_ELEMENTS, ProxyHeaders
from cloudkeep.settings.types import ProxyHeader
from endpoints.chunks.chunk_body import OFFLOADED_BODY
from tests.support.server import http_client, listening_socket, serve_app

#: The trusted proxies of these tests. The peer is one of them.
TRUSTED = ("10.0.0.0/8", "fd00::/8", "192.0.2.7")
PROXY = ("10.0.0.1", 4711)
CLIENT, LIAR = "203.0.113.9", "6.6.6.6"
X_FORWARDED_FOR, FORWARDED = ProxyHeader.X_FORWARDED_FOR.value, ProxyHeader.FORWARDED.value

Client = tuple[str, int] | None
Headers = Sequence[tuple[str, str]]


async def seen(
    headers: Headers,
    peer: Client = PROXY,
    header: str = X_FORWARDED_FOR,
    trusted: Sequence[str] = TRUSTED,
    kind: str = "http",
) -> Scope:
    """The scope that reaches the app."""
    scopes: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        scopes.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        raise AssertionError

    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": kind, "client": peer, "scheme": "http" if kind == "http" else "ws", "headers": raw}
    await ProxyHeaders(app, trusted, header)(scope, receive, send)
    return scopes[0]


async def client_of(headers: Headers, peer: Client = PROXY, header: str = X_FORWARDED_FOR) -> Client:
    client: Client = (await seen(headers, peer, header))["client"]
    return client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (CLIENT, CLIENT),
        (f" \t{CLIENT}\t ", CLIENT),
        (f"{CLIENT}:55555", CLIENT),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:443", "fe80::1"),
        (f"::ffff:{CLIENT}", CLIENT),
        (f"[::ffff:{CLIENT}]:80", CLIENT),
        (f"{CLIENT}, 10.0.0.2, fd00::5, 192.0.2.7", CLIENT),
        (f"{CLIENT},::ffff:10.0.0.2", CLIENT),
        # The values from the client are to the left of the address that the first proxy has seen.
        (f"{LIAR}, {CLIENT}", CLIENT),
        (f"{LIAR}, 10.9.9.9, {CLIENT}, 10.0.0.2", CLIENT),
        (f"10.0.0.3, {CLIENT}", CLIENT),
        (f"127.0.0.1, ::1, {CLIENT}", CLIENT),
        # All are trusted: the request is from the first of them.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        # Reading stops at a malformed element: the elements to its left are ignored.
        (f"{LIAR}, unknown", "10.0.0.1"),
        (f"{LIAR}, unknown, 10.0.0.2", "10.0.0.2"),
        (f"{LIAR},, 10.0.0.2", "10.0.0.2"),
        (f"{LIAR},", "10.0.0.1"),
        ("", "10.0.0.1"),
        (f"{LIAR}, _hidden", "10.0.0.1"),
        (f"{LIAR}, proxy.example.org", "10.0.0.1"),
        (f"{LIAR}, 10.0.0.256", "10.0.0.1"),
        (f"{LIAR}, 010.0.0.2", "10.0.0.1"),
        (f"{LIAR}, 167772161", "10.0.0.1"),
        (f"{LIAR}, 10.0.0.2:port", "10.0.0.1"),
        (f"{LIAR}, 10.0.0.2:123456", "10.0.0.1"),
        (f"{LIAR}, [10.0.0.2]", "10.0.0.1"),
        (f"{LIAR}, [fd00::1", "10.0.0.1"),
        (f"{LIAR}, 10.0.0.0/8", "10.0.0.1"),
        (f'{LIAR}, "10.0.0.2"', "10.0.0.1"),
        (f"{LIAR}, 10.0.0.2 10.0.0.3", "10.0.0.1"),
        (f"{LIAR}, \xb2.0.0.1", "10.0.0.1"),
        (f"{LIAR}, unix:", "10.0.0.1"),
    ],
)
async def test_x_forwarded_for_is_read_from_the_right_past_trusted_proxies(value: str, client: str) -> None:
    assert (await seen([("X-Forwarded-For", value)]))["client"][0] == client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (f"for={CLIENT}", CLIENT),
        (f'for="{CLIENT}"', CLIENT),
        (f'For="{CLIENT}:80"', CLIENT),
        (f'for="{CLIENT}:_gazonk"', CLIENT),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ('for="[2001:db8:cafe::17]"', "2001:db8:cafe::17"),
        (f"for={CLIENT};proto=https;by=10.0.0.1", CLIENT),
        (f"by=10.0.0.1 ; for={CLIENT}\t;proto=https", CLIENT),
        (f"for={CLIENT};", CLIENT),
        (f'for={CLIENT};host="a, b; for={LIAR}"', CLIENT),
        (rf'for={CLIENT};host="a\", for={LIAR}, \\"', CLIENT),
        (r'for="\2\03.0.113.9"', CLIENT),
        (f'for={LIAR}, for={CLIENT}, for="[fd00::5]:99"', CLIENT),
        (f"for={LIAR}, for={CLIENT}", CLIENT),
        # An open quotation mark from the client does not hide the elements to its right.
        (f'for="{LIAR}, for={CLIENT}', CLIENT),
        (f'for="{LIAR}, for="{CLIENT}"', CLIENT),
        (f'for={LIAR};x="\\, for={CLIENT}', CLIENT),
        (f'for={LIAR}, ", for=10.0.0.2', "10.0.0.2"),
        # The address is hidden, missing, repeated, not quoted, or malformed.
        (f"for={LIAR}, for=unknown", "10.0.0.1"),
        (f"for={LIAR}, for=_hidden", "10.0.0.1"),
        (f'for={LIAR}, for="_hidden:80", for=10.0.0.2', "10.0.0.2"),
        (f"for={LIAR}, proto=https", "10.0.0.1"),
        (f"for={LIAR}, for=10.0.0.2;for=10.0.0.3", "10.0.0.1"),
        (f"for={LIAR}, for=10.0.0.2;FOR=10.0.0.3", "10.0.0.1"),
        (f"for={LIAR}, for=[fd00::1]", "10.0.0.1"),
        (f'for={LIAR}, for="fd00::1"', "10.0.0.1"),
        (f"for={LIAR}, for=10.0.0.2:80", "10.0.0.1"),
        (f"for={LIAR}, for = 10.0.0.2", "10.0.0.1"),
        (f"for={LIAR}, for=", "10.0.0.1"),
        (f"for={LIAR}, 10.0.0.2", "10.0.0.1"),
        (f"for={LIAR}, for=10.0.0.2 proto=https", "10.0.0.1"),
        (f'for={LIAR}, for="10.0.0.2', "10.0.0.1"),
        (f"for={LIAR},", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
async def test_forwarded_is_read_from_the_right_past_trusted_proxies(value: str, client: str) -> None:
    assert (await seen([("Forwarded", value)], header=FORWARDED))["client"][0] == client


@pytest.mark.parametrize("header", [X_FORWARDED_FOR, FORWARDED])
async def test_several_headers_are_one_list(header: str) -> None:
    wrap = {X_FORWARDED_FOR: "{}", FORWARDED: "for={}"}[header]
    lines = [(header, wrap.format(each)) for each in (LIAR, CLIENT, "10.0.0.2")]
    assert await client_of(lines, header=header) == (CLIENT, 0)


async def test_the_header_that_the_proxies_do_not_manage_is_ignored() -> None:
    both = [("X-Forwarded-For", CLIENT), ("Forwarded", f"for={LIAR};proto=https"), ("X-Real-IP", LIAR)]
    assert await client_of(both) == (CLIENT, 0)
    both = [("X-Forwarded-For", LIAR), ("X-Forwarded-Proto", "https"), ("Forwarded", f"for={CLIENT}")]
    scope = await seen(both, header=FORWARDED)
    assert (scope["client"], scope["scheme"]) == ((CLIENT, 0), "http")


@pytest.mark.parametrize(
    "peer", [(CLIENT, 1), ("11.0.0.1", 1), ("127.0.0.1", 1), ("::1", 1), ("2001:db8::10.0.0.1", 1), ("testclient", 1)]
)
@pytest.mark.parametrize("header", [X_FORWARDED_FOR, FORWARDED])
async def test_the_header_of_an_untrusted_peer_is_ignored(peer: tuple[str, int], header: str) -> None:
    lies = [("X-Forwarded-For", LIAR), ("Forwarded", f"for={LIAR};proto=https"), ("X-Forwarded-Proto", "https")]
    scope = await seen(lies, (peer[0], peer[1]), header)
    assert scope["client"][1] == 1
    assert LIAR not in scope["client"]
    assert scope["scheme"] == "http"


async def test_a_peer_on_a_unix_socket_is_trusted_if_the_setting_has_unix() -> None:
    headers = [("X-Forwarded-For", CLIENT)]
    assert (await seen(headers, None, trusted=("unix",)))["client"] == (CLIENT, 0)
    assert (await seen(headers, None, trusted=("unix", "10.0.0.0/8")))["client"] == (CLIENT, 0)
    assert (await seen([], None, trusted=("unix",)))["client"] is None
    assert (await seen([("X-Forwarded-For", "unix:")], None, trusted=("unix",)))["client"] is None
    assert (await seen(headers, None, trusted=("0.0.0.0/0", "::/0")))["client"] is None


@pytest.mark.parametrize(
    ("peer", "written"),
    [
        ("::ffff:203.0.113.9", CLIENT),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8::1", "2001:db8::1"),
        (CLIENT, CLIENT),
    ],
)
async def test_an_address_is_normalized(peer: str, written: str) -> None:
    assert await client_of([], (peer, 4)) == (written, 4)
    assert (await seen([], (peer, 4), trusted=("0.0.0.0/0", "::/0")))["client"] == (written, 4)


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("trusted", ["10.0.0.1", "10.0.0.0/30", "::ffff:10.0.0.1", "::ffff:10.0.0.0/126"])
async def test_a_proxy_is_trusted_by_both_forms_of_its_address(peer: str, trusted: str) -> None:
    scope = await seen([("X-Forwarded-For", CLIENT)], (peer, 1), trusted=(trusted,))
    assert scope["client"] == (CLIENT, 0)


@pytest.mark.parametrize(
    ("header", "headers", "scheme"),
    [
        (X_FORWARDED_FOR, [("X-Forwarded-Proto", "https")], "https"),
        (X_FORWARDED_FOR, [("X-Forwarded-Proto", " HTTPS ")], "https"),
        (X_FORWARDED_FOR, [("X-Forwarded-Proto", "http, https")], "https"),
        (X_FORWARDED_FOR, [("X-Forwarded-Proto", "http"), ("X-Forwarded-Proto", "https")], "https"),
        (X_FORWARDED_FOR, [("X-Forwarded-Proto", "wss"), ("X-Forwarded-For", CLIENT)], "https"),
        (X_FORWARDED_FOR, [("X-Forwarded-Proto", "javascript")], "http"),
        (X_FORWARDED_FOR, [("Forwarded", f"for={CLIENT};proto=https")], "http"),
        (FORWARDED, [("Forwarded", f"for={CLIENT};proto=https")], "https"),
        (FORWARDED, [("Forwarded", "for=unknown;proto=https")], "https"),
        (FORWARDED, [("Forwarded", f"for={CLIENT};proto=https, for=10.0.0.2;proto=http")], "https"),
        (FORWARDED, [("Forwarded", f"for={LIAR};proto=https, for={CLIENT};proto=http")], "http"),
        (FORWARDED, [("Forwarded", f"for={LIAR};proto=https, for={CLIENT}")], "http"),
    ],
)
async def test_the_scheme_is_that_of_the_clients_request(header: str, headers: Headers, scheme: str) -> None:
    assert (await seen(headers, header=header))["scheme"] == scheme
    websocket = await seen(headers, header=header, kind="websocket")
    assert websocket["scheme"] == {"http": "ws", "https": "wss"}[scheme]


@pytest.mark.parametrize(
    ("header", "reported", "host"),
    [
        (X_FORWARDED_FOR, [], "upstream"),
        (X_FORWARDED_FOR, [("X-Forwarded-Host", "drive.example.org:8443")], "drive.example.org:8443"),
        (X_FORWARDED_FOR, [("X-Forwarded-Host", f"{LIAR}, drive.example.org")], "drive.example.org"),
        (X_FORWARDED_FOR, [("X-Forwarded-Host", LIAR), ("X-Forwarded-Host", "drive.example.org")], "drive.example.org"),
        (X_FORWARDED_FOR, [("X-Forwarded-Host", " ")], "upstream"),
        (X_FORWARDED_FOR, [("Forwarded", f"for={CLIENT};host=drive.example.org")], "upstream"),
        (FORWARDED, [("X-Forwarded-Host", "drive.example.org")], "upstream"),
        (FORWARDED, [("Forwarded", f'for={CLIENT};host="drive.example.org:8443"')], "drive.example.org:8443"),
        (
            FORWARDED,
            [("Forwarded", f"for={CLIENT};host=drive.example.org, for=10.0.0.2;host=inner")],
            "drive.example.org",
        ),
        (
            FORWARDED,
            [("Forwarded", f"for={LIAR};host=evil.example, for={CLIENT};host=drive.example.org")],
            "drive.example.org",
        ),
        (FORWARDED, [("Forwarded", f"for={LIAR};host=evil.example, for={CLIENT}")], "upstream"),
    ],
)
async def test_the_host_is_that_of_the_clients_request(header: str, reported: Headers, host: str) -> None:
    for kind in ("http", "websocket"):
        scope = await seen([("Host", "upstream"), *reported], header=header, kind=kind)
        assert [value for name, value in scope["headers"] if name == b"host"] == [host.encode()]


async def test_the_host_that_an_untrusted_peer_reports_is_ignored() -> None:
    for header, reported in ((X_FORWARDED_FOR, ("X-Forwarded-Host", LIAR)), (FORWARDED, ("Forwarded", f"host={LIAR}"))):
        scope = await seen([("Host", "upstream"), reported], (CLIENT, 1), header)
        assert scope["headers"][0] == (b"host", b"upstream")


async def test_a_websocket_has_the_same_client() -> None:
    assert (await seen([("X-Forwarded-For", f"{LIAR}, {CLIENT}")], kind="websocket"))["client"] == (CLIENT, 0)


async def test_only_the_end_of_a_long_header_is_read() -> None:
    way = [LIAR, *["10.0.0.2"] * MAX_ELEMENTS]
    assert await client_of([("X-Forwarded-For", ",".join(way))]) == ("10.0.0.2", 0)
    assert await client_of([("X-Forwarded-For", ",".join(way[:-1]))]) == (LIAR, 0)
    elements = ",".join(f"for={each}" for each in way)
    assert await client_of([("Forwarded", elements)], header=FORWARDED) == ("10.0.0.2", 0)
    assert await client_of([("Forwarded", f"for={LIAR};x={'x' * 9_000}, for=10.0.0.2")], header=FORWARDED) == (
        "10.0.0.2",
        0,
    )


async def test_requests_sockets_and_offloaded_bodies_have_the_same_client_on_a_real_connection() -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        answer = WebSocketClose() if scope["type"] == "websocket" else Response()
        await answer(scope, receive, send)

    inside = Starlette(routes=[Mount("/", app)])
    lies = {"X-Forwarded-For": f"{LIAR}, {CLIENT}"}
    with listening_socket() as listener:
        async with serve_app(ProxyHeaders(inside, ["127.0.0.1"], X_FORWARDED_FOR), listener), http_client() as http:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            assert (await http.get(url, headers=lies)).status_code == 200
            assert (await http.put(f"{url}/uploads/x/chunks/0", content=b"chunk", headers=lies)).status_code == 200
            with pytest.raises(InvalidStatus):
                await connect(url.replace("http", "ws"), additional_headers=lies, proxy=None)
    assert [scope["client"] for scope in scopes] == [(CLIENT, 0)] * 3
    assert [scope["type"] for scope in scopes] == ["http", "http", "websocket"]
    assert OFFLOADED_BODY in scopes[1]["extensions"]


@pytest.mark.parametrize("header", [X_FORWARDED_FOR, FORWARDED])
@pytest.mark.parametrize("seed", range(20))
async def test_no_header_of_a_client_changes_the_address_that_the_first_proxy_has_seen(header: str, seed: int) -> None:
    pieces = random.Random(seed)
    written = [
        LIAR,
        "10.0.0.2",
        "for=",
        "For=",
        '"',
        "\\",
        ",",
        ";",
        "=",
        " ",
        "\t",
        "[",
        "]",
        "::1",
        "unknown",
        "\xe4",
    ]
    ours = {X_FORWARDED_FOR: "{}", FORWARDED: 'proto=https;for="{}"'}[header]
    for _ in range(50):
        lies = "".join(pieces.choices(written, k=pieces.randrange(40)))
        proxies = [CLIENT, *["10.0.0.2"] * pieces.randrange(3)]
        appended = ", ".join(ours.format(each) for each in proxies)
        lines = [(header, lies), (header, appended)] if pieces.random() < 0.5 else [(header, f"{lies}, {appended}")]
        assert await client_of(lines, header=header) == (CLIENT, 0), lines
