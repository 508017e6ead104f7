"""Requests to upgrade a connection (RFC 9110, section 7.8): the handshake of a WebSocket is checked, others ignored."""

import httptools

from cloudkeep.server.refusals import Reason, malformed


def check_handshake(method: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Raise :class:`cloudkeep.server.refusals.RequestRefused` if a handshake is no GET, or has a body.

    RFC 6455, section 4.1, requires a GET. The library would wait without end for the handshake after such a request.
    """
    if method != b"GET":
        raise malformed("The handshake of a WebSocket must be a GET.", Reason.HANDSHAKE)
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 \t")):
            raise malformed("The handshake of a WebSocket must not have a body.", Reason.HANDSHAKE)


def head_without_upgrade(parser: httptools.HttpRequestParser, url: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The head that ``parser`` has just parsed, without its ``Upgrade``.

    A server may ignore an upgrade. The parser cannot: it skips the body, and takes it for the next protocol.
    """
    fields = b"".join(b"%b: %b\r\n" % field for field in headers if field[0] != b"upgrade")
    version = parser.get_http_version().encode()
    return b"%b %b HTTP/%b\r\n%b\r\n" % (parser.get_method(), url, version, fields)
