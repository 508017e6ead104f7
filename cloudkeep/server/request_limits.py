"""uvicorn's HTTP protocol, with limits on what a request may send beside the bytes of its body.

uvicorn and httptools keep every byte of a head, of trailers and of requests in advance, without a limit. Here they are
counted as they arrive, and refused with 400, 414 or 431 before more of them is kept. Bytes that do not yet make up a
field or a chunk are counted by piece, so a limit may be exceeded by what one read of the socket returns (256 KiB).

This relies on internals of uvicorn: ``cycle``, ``pipeline``, ``flow``, ``parser``, ``scope``.
"""

from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from cloudkeep.server.refusals import Reason, RequestRefused, malformed, too_large

#: Bytes of a request's head, or of the framing of its body beyond the body's own size. Other servers allow 8 to 64 KiB.
#: Signed URLs and tokens have a few hundred bytes; a GraphQL document that does not fit into a URL can be sent by POST.
MAX_HEAD_BYTES = 64 * 1024
#: Fields of a head or of trailers. Browsers send about 20, and proxies add about 10.
MAX_FIELDS = 100
#: Requests that wait for the response to an earlier one. Each takes about 3 KiB, and few clients send any in advance.
MAX_PIPELINED = 16
#: The separators that a field adds to its name and value.
_FIELD_OVERHEAD = len(b": \r\n")


class LimitedProtocol(HttpToolsProtocol):
    """The base of :class:`cloudkeep.server.bounded_http.BoundedProtocol`. A subclass may override the closing."""

    # uvicorn sets it when the first request begins.
    url: bytes = b""
    #: Whether a request was refused, so that nothing more is parsed.
    is_refused = False
    _is_in_body = False
    _is_upgrade_ignored = False
    #: Completed heads and bodies: a read of the socket that completes neither belongs to one of them as a whole.
    _completed = 0
    #: Bytes of the current head or body that are not payload, by reads of the socket.
    _overhead = 0
    _payload = 0
    #: Bytes and fields of the current head or of the trailers, as the parser reports them.
    _parsed = _fields = 0
    #: Bytes of requests that wait for the response to an earlier one.
    _waiting = 0

    @property
    def held_bytes(self) -> int:
        """Bytes that are kept for requests whose apps have not started: an incomplete head, and waiting requests."""
        if not self.pipeline:
            self._waiting = 0
        return self._waiting if self._is_in_body else self._waiting + self._overhead

    def data_received(self, data: bytes) -> None:
        """Parse the data, unless a request was refused before."""
        if self.is_refused:
            self.flow.pause_reading()
            return
        self._unset_keepalive_if_required()
        completed, payload = self._completed, self._payload
        try:
            self._parse(data)
            if self._completed == completed:
                self._count_overhead(len(data) - (self._payload - payload))
        except RequestRefused as refusal:
            self._refuse(refusal)

    def on_message_begin(self) -> None:
        """Start a request, unless too many wait already."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise malformed("Too many requests were sent before the response to the first one.")
        super().on_message_begin()
        self._parsed = self._fields = 0

    def on_url(self, url: bytes) -> None:
        """Count a piece of the target."""
        super().on_url(url)
        self._parsed += len(url)
        self._check_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a field. One of the trailers is dropped: none has a meaning here (RFC 9110, section 6.5.1)."""
        self._parsed += len(name) + len(value) + _FIELD_OVERHEAD
        self._fields += 1
        self._check_head()
        if not self._is_in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the app, or prepare the upgrade to a WebSocket. A request for another upgrade is parsed again."""
        parsed = self._parsed
        self._complete()
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise malformed("This server is not a proxy.")
            if not self._should_upgrade() or self.parser.get_http_version() == "1.0":
                self._is_upgrade_ignored = True
                return
            _check_handshake(self.parser.get_method(), self.headers)
        super().on_headers_complete()
        self._is_in_body = True
        self._waiting += parsed

    def on_body(self, body: bytes) -> None:
        """Count the payload."""
        self._payload += len(body)
        if self.pipeline:
            self._waiting += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Get ready for the next head."""
        self._complete()
        self._is_in_body = False
        if not self._is_upgrade_ignored:
            super().on_message_complete()

    def _complete(self) -> None:
        self._completed += 1
        self._overhead = self._payload = self._parsed = self._fields = 0

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, RequestRefused):
                raise error.__context__ from None
            raise malformed("The target of the request is not valid.") from error
        except httptools.HttpParserError as error:
            raise malformed("The request is not valid HTTP/1.1.") from error

    def _upgrade(self, rest: bytes) -> None:
        if self._is_upgrade_ignored:
            # The parser has skipped the body of the request.
            self._is_upgrade_ignored = False
            head = _head_without_upgrade(self.parser, self.url, self.headers)
            self.reset_parser()
            self._parse(head + rest)
        elif rest:
            raise malformed("Data was sent before the handshake was complete.")
        elif self._has_response_pending():
            raise malformed("A handshake was sent before the response to an earlier request.")
        else:
            self.handle_websocket_upgrade()

    def reset_parser(self) -> None:
        """Forget the request that the parser is still reading."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._complete()
        self._is_in_body = False

    def _check_head(self) -> None:
        if self._fields > MAX_FIELDS:
            raise too_large(431, f"A request may have at most {MAX_FIELDS} header fields.")
        if self._parsed > MAX_HEAD_BYTES:
            raise self._head_too_large()

    def _count_overhead(self, count: int) -> None:
        self._overhead += count
        if not self._is_in_body and self._overhead > MAX_HEAD_BYTES:
            raise self._head_too_large()
        if self._is_in_body and self._overhead > MAX_HEAD_BYTES + self._payload:
            raise malformed("The body has more framing than content.")

    def _head_too_large(self) -> RequestRefused:
        if not self._fields and not self.url and not self._parsed:
            return malformed("A request must begin with a request line.")
        if len(self.url) > MAX_HEAD_BYTES // 2:
            return too_large(414, f"A request's target may have at most {MAX_HEAD_BYTES} bytes.")
        return too_large(431, f"A request's head may have at most {MAX_HEAD_BYTES} bytes.")

    def _refuse(self, refusal: RequestRefused) -> None:
        """Respond and close the connection. Responses to earlier requests are sent first, and then none to this."""
        self.is_refused = True
        self._forget_head()
        cycle: RequestResponseCycle | None = self.cycle
        is_own = cycle is not None and self._is_in_body and self._has_own_cycle()
        if cycle and is_own and self.pipeline:
            # It waits for the response to an earlier request, after which it gets its own.
            cycle.body = bytearray()
            self.pipeline[0] = (cycle, cast(Any, refusal.problem()))  # uvicorn has types of its own for ASGI
        elif cycle and self._has_response_pending() and not is_own:
            cycle.keep_alive = False
        else:
            self._disconnect()
            if not (cycle and is_own and cycle.response_started):
                self.transport.write(refusal.response())
            self.transport.close()

    def _disconnect(self) -> None:
        """Tell the app that responds that its client gets no more."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _forget_head(self) -> None:
        """Free the memory of a head that is refused; the parser has the field that is not complete."""
        self.parser = None  # type: ignore[assignment]
        if not self._has_own_cycle():
            self.headers.clear()

    def _has_response_pending(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _has_own_cycle(self) -> bool:
        """Whether ``cycle`` belongs to the request in the parser; one to upgrade the connection has none."""
        return getattr(self.cycle, "scope", None) is self.scope


def _check_handshake(method: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Raise :class:`RequestRefused` if a handshake is no GET, or has a body.

    RFC 6455, section 4.1, requires a GET. The library would wait without end for the handshake after such a request.
    """
    if method != b"GET":
        raise malformed("The handshake of a WebSocket must be a GET.", Reason.HANDSHAKE)
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 \t")):
            raise malformed("The handshake of a WebSocket must not have a body.", Reason.HANDSHAKE)


def _head_without_upgrade(parser: httptools.HttpRequestParser, url: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The head that ``parser`` has just parsed, without its ``Upgrade``.

    A server may ignore an upgrade. The parser cannot: it skips the body, and takes it for the next protocol.
    """
    fields = b"".join(b"%b: %b\r\n" % field for field in headers if field[0] != b"upgrade")
    version = parser.get_http_version().encode()
    return b"%b %b HTTP/%b\r\n%b\r\n" % (parser.get_method(), url, version, fields)
