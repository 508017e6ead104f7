"""The client that every server is measured with: HTTP/1.1 keep-alive connections whose bodies go out by sendfile."""

import json
import socket
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Self, TypeVar

#: Seconds without a byte after which a server is given up.
SILENCE = 60.0
LANES = 4

#: A form whose only part is a file named ``chunk``: what stands around its bytes, and the headers.
BOUNDARY = "the-boundary-of-this-form"
BEFORE_FILE = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="chunk"; filename="blob"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
AFTER_FILE = f"\r\n--{BOUNDARY}--\r\n".encode()
FORM_HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

T = TypeVar("T")
Headers = Mapping[str, str]


class WireError(Exception):
    """A server answered something else than success, or nothing."""


@dataclass(frozen=True)
class Answer:
    """A successful answer. The names of headers are in lower case."""

    status: int
    headers: Headers
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Connection:
    """One connection to a server on this machine, and the file whose ranges it sends."""

    def __init__(self, port: int, path: Path) -> None:
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), SILENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def abort(self) -> None:
        """Make whoever waits for this connection fail now."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def ask(self, method: str, target: str, headers: Headers, body: bytes = b"") -> Answer:
        """Send a small request. Raises :class:`WireError`."""
        self._socket.sendall(self._head(method, target, headers, len(body)) + body)
        return self._answer(method, target)

    def send(
        self,
        method: str,
        target: str,
        headers: Headers,
        offset: int,
        size: int,
        before: bytes = b"",
        after: bytes = b"",
        halfway: Callable[[], object] | None = None,
    ) -> Answer:
        """Send a range of the file, between ``before`` and ``after``. Raises :class:`WireError`.

        ``halfway`` is called when half of the range has been sent.
        """
        self._socket.sendall(self._head(method, target, headers, len(before) + size + len(after)) + before)
        first = size // 2 if halfway else size
        self._socket.sendfile(self._file, offset, first)
        if halfway:
            halfway()
            self._socket.sendfile(self._file, offset + first, size - first)
        if after:
            self._socket.sendall(after)
        return self._answer(method, target)

    def _head(self, method: str, target: str, headers: Headers, length: int) -> bytes:
        lines = {"Host": self._host, "Content-Length": str(length), **headers}
        fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode()

    def _answer(self, method: str, target: str) -> Answer:
        with HTTPResponse(self._socket, method=method) as response:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, headers, response.read())
        if not 200 <= answer.status < 300:
            raise WireError(f"{method} {target}: {answer.status} {answer.body[:200]!r}")
        return answer


def in_lanes(port: int, path: Path, lanes: Sequence[Callable[[Connection], None]]) -> None:
    """Run the lanes at once, each on a connection of its own. The first failure ends all of them and is raised."""
    with ThreadPoolExecutor(len(lanes)) as pool, ExitStack() as stack:
        connections = [stack.enter_context(Connection(port, path)) for _ in lanes]
        running = [pool.submit(lane, connection) for lane, connection in zip(lanes, connections, strict=True)]
        try:
            for future in running:
                future.result()
        except BaseException:
            for connection in connections:
                connection.abort()
            raise


def share(port: int, path: Path, items: Iterable[T], send: Callable[[Connection, T], None], lanes: int = LANES) -> None:
    """Send the items in order over so many connections, each taking the next one that nobody has taken."""
    waiting = deque(items)

    def lane(connection: Connection) -> None:
        while waiting:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            send(connection, item)

    in_lanes(port, path, [lane] * lanes)
