"""Requests whose bodies are streamed on threads, block by block, from and into buffers of the caller."""

import asyncio
import http.client
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import urlsplit

from storage.blobs.base import Buffer
from storage.blobs.s3.connection_pool import ConnectionPool, Response, shut_down
from storage.blobs.s3.errors import refusal
from storage.errors import StoreUnavailable

T = TypeVar("T")


async def run_on_thread(pool: ThreadPoolExecutor, call: Callable[[], T], interrupt: Callable[[], object]) -> T:
    """Run a call on a thread; when the caller is cancelled, ``interrupt`` ends the call, which is awaited.

    A second cancellation does not wait: the call ends soon by itself.
    """
    submitted = pool.submit(call)
    running = asyncio.wrap_future(submitted)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        # A call that has not started never will; one that has just started is interrupted once it has a connection.
        while not submitted.cancel() and not submitted.done():
            interrupt()
            await asyncio.wait({running}, timeout=0.1)
        if not submitted.cancelled():
            submitted.exception()
            running.cancel()
        raise


class UploadRequest:
    """A PUT with a body of ``length`` bytes, which is sent block by block, on one thread at a time.

    S3 stores nothing until the last byte was sent: an interrupted request leaves nothing behind.
    """

    def __init__(self, connections: ConnectionPool, url: str, length: int) -> None:
        self._connections = connections
        self._url = url
        self._length = length
        self._connection: http.client.HTTPConnection | None = None
        self._interrupted = False

    def send(self, part: Buffer) -> None:
        """Send the next bytes. Raises the error for a refusal, and :class:`StoreUnavailable`."""
        try:
            connection = self._connection or self._begin()
            connection.send(part)
        except OSError:
            self._raise_refusal()

    def finish(self) -> str:
        """Read the response: the part's ETag. Raises the error for a refusal, and :class:`StoreUnavailable`."""
        response = self._read_response()
        response.require_success()
        etag = response.headers.get("ETag", "").strip('"')
        if not etag:
            # Without an ETag, the part cannot be named when the multipart upload is completed.
            raise StoreUnavailable("S3 accepted a part without an ETag")
        return etag

    def interrupt(self) -> None:
        """End the request for good, from any thread; a thread that is sending stops soon."""
        self._interrupted = True
        connection = self._connection
        shut_down(connection.sock if connection else None)

    def close(self) -> None:
        """Drop the request, unless its response was read. No thread may be sending."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _begin(self) -> http.client.HTTPConnection:
        self._connection = connection = self._connections.acquire(self._url)
        if self._interrupted:
            self.close()
            raise StoreUnavailable("interrupted")
        connection.putrequest("PUT", _target(self._url), skip_accept_encoding=True)
        connection.putheader("Content-Length", str(self._length))
        connection.endheaders()
        return connection

    def _raise_refusal(self) -> None:
        """Raise the error of a server that responded and closed the connection before it had read the whole body."""
        self._read_response().require_success()
        raise StoreUnavailable("the connection to S3 broke")

    def _read_response(self) -> Response:
        connection = self._connection
        if not connection:
            raise StoreUnavailable("S3 cannot be reached")
        try:
            received = connection.getresponse()
            response = Response.of(received)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise StoreUnavailable(f"the connection to S3 broke: {type(error).__name__}") from None
        if response.status < 300 and received.isclosed() and not received.will_close:
            self._connection = None
            self._connections.release(self._url, connection)
        else:
            self.close()
        return response


class ConnectionBroken(Exception):
    """A connection ended before all bytes had arrived; the rest can be requested again."""


class DownloadRequest:
    """A GET of a part of an object, read block by block on one thread at a time, over several connections if need be.

    ``position`` is the offset of the next byte, ``end`` the offset after the last byte.
    """

    def __init__(self, connections: ConnectionPool, key: str, position: int, end: int) -> None:
        self.key = key
        self.position = position
        self.end = end
        self._connections = connections
        self._url = ""
        self._etag: str | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        #: Kept here, because the connection forgets its socket when the server announces that it will close it.
        self._socket: socket.socket | None = None
        self._interrupted = False

    @property
    def is_open(self) -> bool:
        """Whether there is a response to read from, or nothing more to read."""
        return self._response is not None or self.position >= self.end

    def open(self, url: str) -> None:
        """Request the remaining bytes. Raises the error for a refusal, and :class:`ConnectionBroken`."""
        self._url = url
        headers = {"Range": f"bytes={self.position}-{self.end - 1}"}
        if self._etag:
            # The rest must be of the same version of the object.
            headers["If-Match"] = self._etag
        try:
            self._connection = connection = self._connections.acquire(url)
            self._socket = connection.sock
            if self._interrupted:
                raise StoreUnavailable("interrupted")
            connection.request("GET", _target(url), headers=headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException, StoreUnavailable) as error:
            self.close()
            raise ConnectionBroken(str(error)) from None
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
            self._raise_refusal(response)

    def _raise_refusal(self, response: http.client.HTTPResponse) -> None:
        try:
            refused = Response.of(response)
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionBroken(type(error).__name__) from None
        finally:
            self.close()
        reason = refusal(refused.code, refused.status)
        raise ConnectionBroken(str(reason)) if isinstance(reason, StoreUnavailable) else reason

    def read_into(self, block: memoryview) -> int:
        """Read the available bytes into ``block``.

        Returns their number, 0 at the end. Raises :class:`ConnectionBroken`.
        """
        length = min(len(block), self.end - self.position)
        if not length:
            return 0
        assert self._response
        try:
            count = self._response.readinto(block[:length])
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionBroken(type(error).__name__) from None
        if not count:
            self.close()
            raise ConnectionBroken("the connection to S3 ended early")
        self.position += count
        if self.position == self.end:
            self._release()
        return count

    def interrupt(self) -> None:
        """End the request for good, from any thread; a thread that waits for bytes stops soon."""
        self._interrupted = True
        shut_down(self._socket)

    def close(self) -> None:
        """Drop the response; the request can be opened again."""
        if self._connection:
            self._connection.close()
        self._connection = self._response = self._socket = None

    def _release(self) -> None:
        connection, response = self._connection, self._response
        if response and connection and response.isclosed() and not response.will_close:
            self._connection = self._response = self._socket = None
            self._connections.release(self._url, connection)
        else:
            self.close()


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
