"""A proxy in front of S3 that parses requests: it counts them, refuses some, and cuts answers off."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.server import listening_socket

BLOCK = 256 * 1024
REFUSAL = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>planned</Message></Error>"


@dataclass(frozen=True)
class Refusal:
    """A request of this method is answered so, before it gets to S3; without a code, no reason is given.

    One that ``lasts`` answers every such request, any other the first.
    """

    method: str
    status: int
    code: str
    line: bytes = b""
    lasts: bool = False


@dataclass
class S3Faults:
    """The proxy. ``requests`` counts by method; ``heads`` is what the requests began with.

    A refusal or a cut is used up by the first request that it fits, and a worker sends some that no test asked for: it
    lists the bucket when it begins. Where there is a worker, a fault therefore says what is in the line that it is for.
    Bytes of ``rewritten`` are replaced in answers. While ``holding`` is set, answers stay where they are; so does the
    body of a request with ``stalled`` in its line. The next POST with ``lost`` in its line is done, but not answered.
    """

    url: str
    server: tuple[str, int]
    requests: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    cuts: deque[tuple[bytes, int]] = field(default_factory=deque)
    heads: list[str] = field(default_factory=list)
    rewritten: dict[bytes, bytes] = field(default_factory=dict)
    holding: bool = False
    stalled: bytes | None = None
    lost: bytes | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _unanswered: set[asyncio.StreamWriter] = field(default_factory=set)
    _asked: dict[asyncio.StreamWriter, bytes] = field(default_factory=dict)

    def refuse(self, method: str, status: int, code: str, times: int = 1, line: bytes = b"") -> None:
        """Refuse requests to come, with this in their line."""
        self.refusals += [Refusal(method, status, code, line)] * times

    @contextmanager
    def away(self, method: str, line: bytes) -> Iterator[None]:
        """Refuse all such requests until the block ends, however many come."""
        refusal = Refusal(method, 503, "SlowDown", line, lasts=True)
        self.refusals.append(refusal)
        try:
            yield
        finally:
            self.refusals.remove(refusal)

    def cut(self, line: bytes, *after: int) -> None:
        """End the next answers to requests with this in their line after so many bytes, one each."""
        self.cuts.extend((line, count) for count in after)

    def end(self) -> None:
        """Hold nothing any longer."""
        self._over.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            upstream, downstream = await asyncio.open_connection(*self.server)
            answers = asyncio.create_task(self._answers(upstream, writer))
            try:
                while await self._request(reader, downstream, writer):
                    pass
            finally:
                answers.cancel()
                downstream.close()
                self._asked.pop(writer, None)
        writer.close()

    async def _request(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.split(b"\r\n", 1)[0]
        method = line.split(b" ", 1)[0].decode()
        if self.stalled and self.stalled in line:
            await self._hold()
            return False
        self.requests[method] += 1
        self.heads.append(head.decode())
        self._asked[client] = line
        refusal = next((one for one in self.refusals if one.method == method and one.line in line), None)
        if self.lost and self.lost in line and method == "POST":
            self.lost = refusal = None
            self._unanswered.add(client)
        if not refusal:
            server.write(head)
        elif not refusal.lasts:
            self.refusals.remove(refusal)
        left = _length(head)
        while left:
            block = await reader.readexactly(min(left, BLOCK))
            left -= len(block)
            if not refusal:
                server.write(block)
                await server.drain()
        if refusal:
            body = REFUSAL.format(code=refusal.code).encode() if refusal.code else b""
            client.write(
                f"HTTP/1.1 {refusal.status} No\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await client.drain()
        return not refusal

    async def _answers(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while block := await server.read(BLOCK):
                if self.holding:
                    await self._hold()
                    break
                if client in self._unanswered:
                    break
                for before, after in self.rewritten.items():
                    block = block.replace(before, after)
                if self._is_cut(client, block):
                    client.write(block[: self.cuts.popleft()[1]])
                    await client.drain()
                    break
                client.write(block)
                await client.drain()
            client.close()

    def _is_cut(self, client: asyncio.StreamWriter, block: bytes) -> bool:
        return bool(self.cuts) and len(block) > 1_000 and self.cuts[0][0] in self._asked.get(client, b"")

    async def _hold(self) -> None:
        self.held.set()
        await self._over.wait()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


@asynccontextmanager
async def s3_faults(endpoint: str) -> AsyncIterator[S3Faults]:
    """A proxy in front of this server."""
    parts = urlsplit(endpoint)
    with listening_socket() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        running = S3Faults(url, (str(parts.hostname), int(parts.port or 80)))
        server = await asyncio.start_server(running.serve, sock=listener)
        try:
            yield running
        finally:
            running.end()
            server.close()
