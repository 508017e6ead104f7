"""Requests whose bodies are streamed on threads, block by block, from and into buffers of the caller's.

The bytes of a chunk or of a blob go past the event loop and past the S3 client, which would want to hold or to rewind
them. A URL that was signed before is all that such a request needs. Connections are kept and used again.
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

from storage.blobs.base import Buffer
from storage.blobs.s3.errors import refusal
from storage.errors import StoreUnavailable

#: Seconds without a byte in either direction. S3 itself gives a silent sender 20 seconds or more.
TIMEOUT = 30.0
#: For a connection, and for its TLS: less than a process has to end, for neither can be broken off.
CONNECT_TIMEOUT = 5.0
#: Connections that are kept for the next request.
KEPT = 16
LARGEST_ANSWER = 64 * 1024
CODE = re.compile(rb"<Code>([A-Za-z0-9.]+)</Code>")


@dataclass(frozen=True)
class Answer:
    """How S3 answered a request. Names of headers are the same in any case: proxies spell them as they like."""

    status: int
    headers: Message
    code: str

    def require_success(self) -> None:
        """Raise what :func:`storage.blobs.s3.errors.refusal` makes of a refusal."""
        if self.status >= 300:
            raise refusal(self.code, self.status)


class Wire:
    """The connections of a store."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def take(self, url: str) -> http.client.HTTPConnection:
        """A connection to the URL's server that is not in use. Raises :class:`StoreUnavailable`."""
        parts = urlsplit(url)
        while connection := self._kept((parts.scheme, parts.netloc)):
            if not _is_dropped(connection):
                return connection
            connection.close()
        return self._connected(parts.scheme, parts.netloc)

    def give_back(self, url: str, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose last answer was read to its end."""
        parts = urlsplit(url)
        with self._lock:
            idle = self._idle.setdefault((parts.scheme, parts.netloc), [])
            if connection.sock is not None and len(idle) < KEPT:
                idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def _kept(self, server: tuple[str, str]) -> http.client.HTTPConnection | None:
        with self._lock:
            idle = self._idle.get(server)
            return idle.pop() if idle else None

    def _connected(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
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


class Sending:
    """One request with a body of ``length`` bytes, which is sent bit by bit, on one thread at a time.

    Nothing is stored before the last byte was sent: a request that is broken off leaves nothing behind.
    """

    def __init__(self, wire: Wire, url: str, length: int) -> None:
        self._wire = wire
        self._url = url
        self._length = length
        self._connection: http.client.HTTPConnection | None = None
        self._called_off = False

    def send(self, part: Buffer) -> None:
        """Send the next bytes. Raises what a refusal stands for, and :class:`StoreUnavailable`."""
        try:
            connection = self._connection or self._begin()
            connection.send(part)
        except OSError:
            self._explain()

    def finish(self) -> str:
        """Read the answer: the part's ETag. Raises what a refusal stands for, and :class:`StoreUnavailable`."""
        answer = self._answer()
        answer.require_success()
        etag = answer.headers.get("ETag", "").strip('"')
        if not etag:
            # Without it the part cannot be named when the object is made of it.
            raise StoreUnavailable("S3 took a part and gave no ETag")
        return etag

    def interrupt(self) -> None:
        """Break the request off for good, from any thread; whoever is sending stops soon."""
        self._called_off = True
        connection = self._connection
        _shut(connection.sock if connection else None)

    def close(self) -> None:
        """Give the request up, unless it was answered. Nobody may be sending."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _begin(self) -> http.client.HTTPConnection:
        self._connection = connection = self._wire.take(self._url)
        if self._called_off:
            self.close()
            raise StoreUnavailable("called off")
        connection.putrequest("PUT", _target(self._url), skip_accept_encoding=True)
        connection.putheader("Content-Length", str(self._length))
        connection.endheaders()
        return connection

    def _explain(self) -> None:
        """A server that refuses a body may answer and hang up before it has read it."""
        self._answer().require_success()
        raise StoreUnavailable("the connection to S3 broke")

    def _answer(self) -> Answer:
        connection = self._connection
        if not connection:
            raise StoreUnavailable("S3 cannot be reached")
        try:
            response = connection.getresponse()
            body = response.read(LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise StoreUnavailable(f"the connection to S3 broke: {type(error).__name__}") from None
        answer = _answer_of(response, body)
        if answer.status < 300 and response.isclosed() and not response.will_close:
            self._connection = None
            self._wire.give_back(self._url, connection)
        else:
            self.close()
        return answer


class Broken(Exception):
    """A connection ended before the bytes did; the rest may be asked for."""


class Reading:
    """A part of an object that is read bit by bit, on one thread at a time, over several connections if need be.

    ``position`` is the offset of the next byte, ``end`` that of the byte behind the last one.
    """

    def __init__(self, wire: Wire, key: str, position: int, end: int) -> None:
        self.key = key
        self.position = position
        self.end = end
        self._wire = wire
        self._url = ""
        self._etag: str | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        #: The connection forgets its socket when the server says that it will close it.
        self._socket: socket.socket | None = None
        self._called_off = False

    @property
    def is_open(self) -> bool:
        """Whether there is something to read from, or nothing left to read."""
        return self._response is not None or self.position >= self.end

    def open(self, url: str) -> None:
        """Ask for what is left. Raises what a refusal stands for, and :class:`Broken`."""
        self._url = url
        headers = {"Range": f"bytes={self.position}-{self.end - 1}"}
        if self._etag:
            # What is read in two parts must be one object's.
            headers["If-Match"] = self._etag
        try:
            self._connection = connection = self._wire.take(url)
            self._socket = connection.sock
            if self._called_off:
                raise StoreUnavailable("called off")
            connection.request("GET", _target(url), headers=headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException, StoreUnavailable) as error:
            self.close()
            raise Broken(str(error)) from None
        self._begin(response)

    def _begin(self, response: http.client.HTTPResponse) -> None:
        if response.status == 416:
            # The object ends before this part begins.
            self.end = self.position
            self.close()
        elif response.status == 206:
            self._response = response
            self._etag = response.headers.get("ETag")
            self.end = min(self.end, self.position + int(response.headers.get("Content-Length", 0)))
        else:
            try:
                answer = _answer_of(response, response.read(LARGEST_ANSWER))
            except (OSError, http.client.HTTPException) as error:
                raise Broken(type(error).__name__) from None
            finally:
                self.close()
            refused = refusal(answer.code, answer.status)
            raise Broken(str(refused)) if isinstance(refused, StoreUnavailable) else refused

    def into(self, block: memoryview) -> int:
        """Read into ``block``, as much as there is now; 0 at the end. Raises :class:`Broken`."""
        wanted = min(len(block), self.end - self.position)
        if not wanted:
            return 0
        assert self._response
        try:
            count = self._response.readinto(block[:wanted])
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Broken(type(error).__name__) from None
        if not count:
            self.close()
            raise Broken("the connection to S3 ended early")
        self.position += count
        if self.position == self.end:
            self._let_go()
        return count

    def interrupt(self) -> None:
        """Break off for good what is being read, from any thread; whoever waits for bytes stops soon."""
        self._called_off = True
        _shut(self._socket)

    def close(self) -> None:
        """Give up what is being read; it can be opened again."""
        if self._connection:
            self._connection.close()
        self._connection = self._response = self._socket = None

    def _let_go(self) -> None:
        connection, response = self._connection, self._response
        if response and connection and response.isclosed() and not response.will_close:
            self._connection = self._response = self._socket = None
            self._wire.give_back(self._url, connection)
        else:
            self.close()


def _answer_of(response: http.client.HTTPResponse, body: bytes) -> Answer:
    found = CODE.search(body)
    return Answer(response.status, response.headers, found[1].decode() if found else "")


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _shut(sock: socket.socket | None) -> None:
    """End a connection under whoever is using it on another thread.

    The socket's own method: that of TLS first forgets its keys, so that the other thread's next block would leave in
    plain text.
    """
    if sock:
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _is_dropped(connection: http.client.HTTPConnection) -> bool:
    """Whether a connection that is not in use can be read: then the server has hung up."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
