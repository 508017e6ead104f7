"""Responses that the protocol itself sends, to requests that never reach the app."""

from enum import StrEnum
from functools import lru_cache

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from endpoints.problems import problem
from services.core.errors import ErrorCode


class Reason(StrEnum):
    """Why a connection was refused or closed, as a label of metrics."""

    #: The address has too many connections, or requests in progress.
    ADDRESS = "address"
    #: The process has too many connections, and none of them is idle.
    FULL = "full"
    #: An idle connection made room for a new one.
    IDLE = "idle"
    #: The head or the trailers of a request are too large.
    HEAD = "head"
    #: The bytes are not HTTP, or mostly framing.
    MALFORMED = "malformed"
    #: The request to upgrade to a WebSocket is not valid, or was not answered in time.
    HANDSHAKE = "handshake"
    #: Too many frames arrived on a WebSocket.
    FRAMES = "frames"
    #: The requests of the address, or of all clients, that have not started hold too many bytes.
    MEMORY = "memory"
    #: A client of a WebSocket broke the protocol, for example by text that is not UTF-8.
    WEBSOCKET = "websocket"


class RequestRefused(Exception):
    """A request is refused. ``str(error)`` is the message for the client, after which the connection is closed."""

    def __init__(self, status: int, message: str, reason: Reason, code: ErrorCode, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.code = code
        self.retry_after = retry_after

    def response(self) -> bytes:
        """A whole HTTP/1.1 response with a problem document (RFC 9457)."""
        return _response(self.status, self.code.value, str(self), self.retry_after)

    def problem(self) -> Response:
        """The same response, as an ASGI app."""
        return _problem(self.status, self.code.value, str(self), self.retry_after)


def too_large(status: int, message: str) -> RequestRefused:
    """A head that is too large: 431 (RFC 6585, section 5), or 414 for its target (RFC 9110, section 15.5.15)."""
    return RequestRefused(status, message, Reason.HEAD, ErrorCode.REQUEST_TOO_LARGE)


def malformed(message: str, reason: Reason = Reason.MALFORMED) -> RequestRefused:
    """A request that is not valid: 400."""
    return RequestRefused(400, message, reason, ErrorCode.MALFORMED_REQUEST)


@lru_cache(64)
def _response(status: int, code: str, message: str, retry_after: int) -> bytes:
    response = _problem(status, code, message, retry_after)
    lines = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
    return STATUS_LINE[status] + lines + b"\r\n" + bytes(response.body)


def _problem(status: int, code: str, message: str, retry_after: int) -> Response:
    headers = {"Connection": "close"} | ({"Retry-After": str(retry_after)} if retry_after else {})
    return problem(status, code, message, headers)
