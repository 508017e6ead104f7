"""The client of every measurement: HTTP/1.1 keep-alive connections that send bodies by sendfile."""

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

from bench.harness.command import BenchmarkFailed

#: Seconds without a byte after which a request has failed.
TIMEOUT = 60.0
CONNECTIONS = 4

#: A form whose only part is a file named ``chunk``: the text around its bytes, and the headers.
BOUNDARY = "the-boundary-of-this-form"
BEFORE_FILE = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="chunk"; filename="blob"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
AFTER_FILE = f"\r\n--{BOUNDARY}--\r\n".encode()
FORM_HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

T = TypeVar("T")
Headers = Mapping[str, str]


class RequestFailed(BenchmarkFailed):
    """A server responded with another status than success, or not at all."""


@dataclass(frozen=True)
class Response:
    """A successful response. The names of headers are in lower case."""

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
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def abort(self) -> None:
        """End the connection, so that a thread which waits for it fails."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def request(self, method: str, target: str, headers: Headers, body: bytes = b"") -> Response:
        """Send a small request. Raises :class:`RequestFailed`."""
        self._socket.sendall(self._request_head(method, target, headers, len(body)) + body)
        return self._read_response(method, target)

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
    ) -> Response:
        """Send a range of the file, between ``before`` and ``after``. Raises :class:`RequestFailed`.

        ``halfway`` is called when half of the range has been sent.
        """
        self._socket.sendall(self._request_head(method, target, headers, len(before) + size + len(after)) + before)
        first = size // 2 if halfway else size
        self._socket.sendfile(self._file, offset, first)
        if halfway:
            halfway()
            self._socket.sendfile(self._file, offset + first, size - first)
        if after:
            self._socket.sendall(after)
        return self._read_response(method, target)

    def _request_head(self, method: str, target: str, headers: Headers, length: int) -> bytes:
        lines = {"Host": self._host, "Content-Length": str(length), **headers}
        fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode()

    def _read_response(self, method: str, target: str) -> Response:
        with HTTPResponse(self._socket, method=method) as response:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            result = Response(response.status, headers, response.read())
        if not 200 <= result.status < 300:
            raise RequestFailed(f"{method} {target}: {result.status} {result.body[:200]!r}")
        return result


def run_on_connections(port: int, path: Path, functions: Sequence[Callable[[Connection], None]]) -> None:
    """Run functions in parallel, each with its own connection. The first failure ends all of them and is raised."""
    with ThreadPoolExecutor(len(functions)) as pool, ExitStack() as stack:
        connections = [stack.enter_context(Connection(port, path)) for _ in functions]
        running = [
            pool.submit(function, connection) for function, connection in zip(functions, connections, strict=True)
        ]
        try:
            for future in running:
                future.result()
        except BaseException:
            for connection in connections:
                connection.abort()
            raise


def send_over_connections(
    port: int, path: Path, items: Iterable[T], send: Callable[[Connection, T], None], count: int = CONNECTIONS
) -> None:
    """Send the items in order over ``count`` connections, each of which takes the next one of a queue."""
    queue = deque(items)

    def worker(connection: Connection) -> None:
        while queue:
            try:
                item = queue.popleft()
            except IndexError:
                return
            send(connection, item)

    run_on_connections(port, path, [worker] * count)
