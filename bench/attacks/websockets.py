"""WebSockets: handshakes, frames and messages (RFC 6455)."""

import base64
import json
import os

from bench.attacks.attacker import Attacker
from bench.attacks.peer import Peer

TEXT, CONTINUATION, PING = 0x01, 0x00, 0x09
FIN = 0x80
#: Every frame of a client has a mask; with this one the payload stays as it is.
MASK = bytes(4)
#: Bytes of one write, about.
BLOCK = 16 * 1024
#: Connections that are opened again and again.
CONNECTIONS = 20


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """A frame of a client."""
    first = bytes([opcode | (FIN if fin else 0)])
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return first + length + MASK + payload


def message(**content: object) -> bytes:
    """A message of graphql-transport-ws."""
    return frame(TEXT, json.dumps(content).encode())


def handshake(attacker: Attacker, *fields: str, method: str = "GET", end: str = "\r\n") -> bytes:
    """The request for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")
    return attacker.head(method, "/graphql", *upgrade, "Sec-WebSocket-Protocol: graphql-transport-ws", *fields, end=end)


async def upgrade_with_body(attacker: Attacker) -> None:
    """Upgrades with a body, which HTTP would have to read first."""
    await attacker.crowd(handshake(attacker, "Content-Length: 5") + b"AAAAA")


async def upgrade_by_put(attacker: Attacker) -> None:
    """Upgrades by PUT with a body."""
    await attacker.crowd(handshake(attacker, "Content-Length: 4", method="PUT") + b"AAAA")


async def half_handshakes(attacker: Attacker) -> None:
    """Upgrades whose head does not end."""
    await attacker.crowd(handshake(attacker, end=""))


async def silent_websockets(attacker: Attacker) -> None:
    """WebSockets that send no message."""
    await attacker.crowd(handshake(attacker))


async def empty_continuations(attacker: Attacker) -> None:
    """A message of endless empty frames."""
    await _flood(attacker, frame(TEXT, fin=False), frame(CONTINUATION, fin=False))


async def tiny_fragments(attacker: Attacker) -> None:
    """A message of frames of one byte."""
    await _flood(attacker, frame(TEXT, b"[", fin=False), frame(CONTINUATION, b" ", fin=False))


async def pings(attacker: Attacker) -> None:
    """Control frames that the server has to answer."""
    await _flood(attacker, b"", frame(PING))


async def tiny_messages(attacker: Attacker) -> None:
    """Messages that the server has to answer."""
    await _flood(attacker, message(type="connection_init"), message(type="ping"))


async def invalid_text(attacker: Attacker) -> None:
    """Text that is not UTF-8, over a new WebSocket each time."""

    async def one(peer: Peer) -> None:
        await peer.send(handshake(attacker))
        await peer.answered()
        await peer.send(frame(TEXT, b"\xff\xfe"))
        await peer.closed()

    await attacker.repeat(one, CONNECTIONS)


async def unread_pongs(attacker: Attacker) -> None:
    """Large pings, whose answers the client does not read."""

    async def one(peer: Peer) -> None:
        await peer.send(handshake(attacker))
        await peer.receive()
        try:
            while True:
                await peer.send(frame(PING, bytes(125)) * (BLOCK // 131))
        finally:
            await peer.find_end()

    await attacker.repeat(one, 2, reads=False)


async def _flood(attacker: Attacker, start: bytes, repeated: bytes) -> None:
    """Frames without an end, over a WebSocket that is open."""
    block = repeated * (BLOCK // len(repeated))

    async def one(peer: Peer) -> None:
        await peer.send(handshake(attacker))
        await peer.answered()
        await peer.send(start)
        while True:
            await peer.send(block)

    await attacker.repeat(one, 1)
