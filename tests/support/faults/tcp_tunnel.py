"""A TCP tunnel to a server without TLS or TCP, whose host can vanish behind it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from storage.redis.valkey import EmbeddedValkey
from tests.support.server import listening_socket

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: PostgreSQL's protocol begins in clear: the client asks for TLS, and one byte says yes.
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
YES = b"S"


class TcpTunnel:
    """``url`` is its entrance. Its connections can be dropped silently, as when a host vanishes."""

    def __init__(self, url: str, arrive: Callable[[], Awaitable[Streams]], tls: ssl.SSLContext | None = None) -> None:
        """With ``tls``, it begins as PostgreSQL does."""
        self.url = url
        self._arrive = arrive
        self._tls = tls
        self._ways: list[asyncio.Task[None]] = []
        self._ends: list[asyncio.StreamWriter] = []

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what is said on a connection, both ways."""
        self._ends.append(writer)
        self._ways.append(asyncio.ensure_future(self._carry(reader, writer)))

    def forget(self) -> None:
        """Never pass on anything more on the connections that are open now, and leave them open."""
        for way in self._ways:
            way.cancel()

    def close(self) -> None:
        """Break off every connection."""
        self.forget()
        for end in self._ends:
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._tls:
            assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST
            writer.write(YES)
            await writer.start_tls(self._tls)
        up_reader, up_writer = await self._arrive()
        self._ends.append(up_writer)
        await asyncio.gather(_pass_on(reader, up_writer), _pass_on(up_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(64 * 1024):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def tunnel_to(valkey: EmbeddedValkey, tls: ssl.SSLContext | None = None) -> AsyncIterator[TcpTunnel]:
    """A tunnel to a Valkey."""
    path = unquote(urlsplit(valkey.url).path)
    async with _open_tunnel(lambda: asyncio.open_unix_connection(path), tls) as tunnel:
        yield tunnel


@asynccontextmanager
async def tls_tunnel_to(port: int, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """A port of this machine where another one is reached by TLS."""
    async with _open_tunnel(lambda: asyncio.open_connection("127.0.0.1", port), tls) as tunnel:
        found = urlsplit(tunnel.url).port
        assert found
        yield found


@asynccontextmanager
async def _open_tunnel(
    arrive: Callable[[], Awaitable[Streams]], tls: ssl.SSLContext | None
) -> AsyncIterator[TcpTunnel]:
    with listening_socket() as listener:
        tunnel = TcpTunnel(f"{'rediss' if tls else 'redis'}://127.0.0.1:{listener.getsockname()[1]}", arrive)
        server = await asyncio.start_server(tunnel.accept, sock=listener, ssl=tls)
        yield tunnel
        server.close()
        tunnel.close()


@asynccontextmanager
async def postgres_tls_tunnel(database_url: str, tls: ssl.SSLContext) -> AsyncIterator[TcpTunnel]:
    """A tunnel to a PostgreSQL on this machine, with TLS; its ``url`` is without options."""
    there = urlsplit(database_url)
    with listening_socket() as listener:
        here = there.netloc.replace(f":{there.port}", f":{listener.getsockname()[1]}")
        url = there._replace(netloc=here, query="").geturl()
        tunnel = TcpTunnel(url, lambda: asyncio.open_connection(there.hostname, there.port), tls)
        server = await asyncio.start_server(tunnel.accept, sock=listener)
        yield tunnel
        server.close()
        tunnel.close()
