"""Connections to S3 for requests whose bodies are streamed on threads, and the responses to those requests.

The bytes of a chunk or of a blob bypass the event loop and the S3 client, which would buffer or rewind them. Such a
request only needs a signed URL. Connections are reused.
"""

import http.client
import os
import re
import select
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

from storage.blobs.s3.errors import refusal
from storage.errors import StoreUnavailable

#: Seconds without a byte in either direction. S3 itself waits 20 seconds or more for a silent sender.
TIMEOUT = 30.0
#: Seconds for a connection, and for its TLS handshake: less than a process has to stop, because neither can be
#: interrupted.
CONNECT_TIMEOUT = 5.0
#: Idle connections to one server.
MAX_IDLE = 16
MAX_ERROR_BYTES = 64 * 1024
CODE = re.compile(rb"<Code>([A-Za-z0-9.]+)</Code>")


@dataclass(frozen=True)
class Response:
    """A response of S3. Header names are case-insensitive, because proxies spell them differently."""

    status: int
    headers: Message
    code: str

    @classmethod
    def of(cls, response: http.client.HTTPResponse) -> "Response":
        """Read a response to its end."""
        match = CODE.search(response.read(MAX_ERROR_BYTES))
        return cls(response.status, response.headers, match[1].decode() if match else "")

    def require_success(self) -> None:
        """Raise the error for a refusal, by :func:`storage.blobs.s3.errors.refusal`."""
        if self.status >= 300:
            raise refusal(self.code, self.status)


class ConnectionPool:
    """The connections of a store."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def acquire(self, url: str) -> http.client.HTTPConnection:
        """An unused connection to the URL's server. Raises :class:`StoreUnavailable`."""
        parts = urlsplit(url)
        while connection := self._pop_idle((parts.scheme, parts.netloc)):
            if not _is_dropped(connection):
                return connection
            connection.close()
        return self._connect(parts.scheme, parts.netloc)

    def release(self, url: str, connection: http.client.HTTPConnection) -> None:
        """Return a connection to the pool. The caller has read its last response completely."""
        parts = urlsplit(url)
        with self._lock:
            idle = self._idle.setdefault((parts.scheme, parts.netloc), [])
            if connection.sock is not None and len(idle) < MAX_IDLE:
                idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def _pop_idle(self, server: tuple[str, str]) -> http.client.HTTPConnection | None:
        with self._lock:
            idle = self._idle.get(server)
            return idle.pop() if idle else None

    def _connect(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        if scheme == "https":
            self._tls = self._tls or ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                netloc, timeout=CONNECT_TIMEOUT, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(netloc, timeout=CONNECT_TIMEOUT)
        try:
            connection.connect()
        except OSError as error:
            raise StoreUnavailable(f"S3 cannot be reached: {type(error).__name__}") from None
        connection.sock.settimeout(TIMEOUT)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def shut_down(sock: socket.socket | None) -> None:
    """End a connection while another thread uses it.

    This calls ``shutdown`` of the underlying plain socket. ``shutdown`` of a TLS socket would first drop its keys, and
    the other thread would send its next block in plain text.
    """
    if sock:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _is_dropped(connection: http.client.HTTPConnection) -> bool:
    """Whether an idle connection has data to read, which means that the server has closed it."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
