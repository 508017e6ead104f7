"""Load: connections that repeat the same request as soon as it is answered."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.clients.connection import RequestFailed

HEADERS_END = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True)
class LoadResult:
    """The number of answered requests, and the seconds that they took."""

    count: int
    seconds: float


def encode_post(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST request as bytes."""
    fields = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json", **headers, "Content-Length": len(body)}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + body


async def generate_load(seconds: float, port: int, request: bytes, connections: int) -> LoadResult:
    """Send the request without pause. Raises :class:`RequestFailed` on a response with an error or a status not 200."""
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: LoadConnection(request), "127.0.0.1", port) for _ in range(connections)
    ]
    protocols = [protocol for _, protocol in opened]
    await asyncio.sleep(seconds)
    await asyncio.gather(*(protocol.stop() for protocol in protocols))
    return LoadResult(sum(protocol.count for protocol in protocols), time.perf_counter() - start)


class LoadConnection(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes) -> None:
        self.count = 0
        self._request = request
        self._response = b""
        self._stopping = False
        self._done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Send the next request once the response is complete."""
        self._response += data
        headers, end, body = self._response.partition(HEADERS_END)
        if not end or len(body) < _length(headers):
            return
        if b" 200 " not in headers[:20] or b'"errors"' in body[:20]:
            self._finish(RequestFailed(self._response[-500:].decode(errors="replace")))
        elif self._stopping:
            self._finish()
        else:
            self._transport.write(self._request)
        self.count += 1
        self._response = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail, unless this connection was stopped."""
        self._finish(RequestFailed("the server closed the connection"))

    async def stop(self) -> None:
        """Wait for the last response. Raises :class:`RequestFailed` when a request failed."""
        self._stopping = True
        await self._done

    def _finish(self, error: RequestFailed | None = None) -> None:
        if not self._done.done():
            self._done.set_exception(error) if error else self._done.set_result(None)
            self._transport.close()


def _length(headers: bytes) -> int:
    lowered = headers.lower()
    start = lowered.index(LENGTH) + len(LENGTH)
    return int(lowered[start:].split(b"\r\n", 1)[0])
