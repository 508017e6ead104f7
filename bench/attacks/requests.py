"""Whole requests that cost more than they should, or that are refused."""

import asyncio
import itertools
import json
from collections.abc import Callable
from uuid import UUID

from bench.attacks.attacker import Attacker
from bench.attacks.bodies import JSON
from bench.attacks.peer import Peer
from bench.bombs.documents import BOMBS
from services.core.ids import Prefix, encode

#: Connections that send one request after another.
CONNECTIONS = 20
#: A signed URL that this server has not signed.
FORGED = f"/versions/{encode(Prefix.VERSION, UUID(int=0))}/content?expires=9999999999&signature={'A' * 43}"


async def expensive_documents(attacker: Attacker) -> None:
    """The documents of ``make bench-bombs``, in turn."""
    bodies = itertools.cycle(json.dumps({"query": text}).encode() for text in BOMBS.values())

    def request() -> bytes:
        body = next(bodies)
        return attacker.head("POST", "/graphql", JSON, f"Content-Length: {len(body)}") + body

    await _ask(attacker, request)


async def forged_signatures(attacker: Attacker) -> None:
    """Downloads by URLs that the server has not signed."""
    await _ask(attacker, lambda: attacker.head("GET", FORGED))


async def other_hosts(attacker: Attacker) -> None:
    """Requests for a host that is not this one."""
    request = b"GET /graphql HTTP/1.1\r\nHost: other.example\r\n\r\n"
    await _ask(attacker, lambda: request)


async def churn(attacker: Attacker) -> None:
    """Connections that are closed as soon as they are open."""

    async def one(_: Peer) -> None:
        await asyncio.sleep(0)

    await attacker.repeat(one, CONNECTIONS)


async def _ask(attacker: Attacker, request: Callable[[], bytes]) -> None:
    """Send requests, each after the response to the one before."""

    async def one(peer: Peer) -> None:
        while True:
            await peer.send(request())
            await peer.answered()

    await attacker.repeat(one, CONNECTIONS)
