"""Clients that do not read what they have asked for."""

import asyncio
import contextlib
import json

from bench.attacks.attacker import Attacker
from bench.attacks.bodies import JSON
from bench.attacks.peer import Peer, PeerClosed
from bench.attacks.websockets import handshake, message

#: The most expensive frame: every slot of an upload, each with a signed URL.
GREEDY = """subscription ($id: ID!) { uploadProgress(uploadId: $id) {
  percent upload { slots(first: 1000) { nodes { url index } } } } }"""
#: Event streams of the attacker, and WebSockets with several subscriptions each.
STREAMS, SOCKETS, SUBSCRIPTIONS = 40, 5, 8
#: The watchers and the chunks of one amplification, and seconds between the chunks.
WATCHERS, CHUNKS, PAUSE = 20, 10, 0.3
#: Seconds for the first and for the last frames to be sent.
FRAMES_SECONDS = 3.0


async def unread_downloads(attacker: Attacker) -> None:
    """Downloads that the client does not read."""
    await _hold(attacker, attacker.head("GET", attacker.target.download), attacker.target.connections)


async def unread_event_streams(attacker: Attacker) -> None:
    """Event streams of large frames that the client does not read."""
    await _hold_while_chunks_arrive(attacker, subscription(attacker), STREAMS)


async def unread_websockets(attacker: Attacker) -> None:
    """WebSockets with large frames that the client does not read."""
    init = message(type="connection_init", payload={"authorization": f"Bearer {attacker.target.token}"})
    payload = {"query": GREEDY, "variables": {"id": attacker.target.upload_id}}
    subscribe = [message(type="subscribe", id=str(number), payload=payload) for number in range(SUBSCRIPTIONS)]
    await _hold_while_chunks_arrive(attacker, handshake(attacker), SOCKETS, init + b"".join(subscribe))


async def greedy_subscriptions(attacker: Attacker) -> None:
    """A few chunks of an upload whose watchers want everything at each of them. They do read."""

    async def one(peer: Peer) -> None:
        await peer.send(subscription(attacker))
        await peer.closed()

    async with asyncio.TaskGroup() as group:
        watchers = group.create_task(attacker.repeat(one, WATCHERS, pause=2.0))
        await asyncio.sleep(FRAMES_SECONDS)
        attacker.started()
        await send_chunks(attacker, CHUNKS)
        await asyncio.sleep(FRAMES_SECONDS)
        watchers.cancel()


def subscription(attacker: Attacker) -> bytes:
    """A request for an event stream of the most expensive frames."""
    body = json.dumps({"query": GREEDY, "variables": {"id": attacker.target.upload_id}}).encode()
    bearer = f"Authorization: Bearer {attacker.target.token}"
    fields = (JSON, "Accept: text/event-stream", bearer, f"Content-Length: {len(body)}")
    return attacker.head("POST", "/graphql", *fields) + body


async def send_chunks(attacker: Attacker, count: int) -> None:
    """Send so many chunks of the upload, one after another."""
    length, content = f"Content-Length: {attacker.target.chunk_size}", bytes(attacker.target.chunk_size)
    for path in attacker.target.chunks[:count]:
        with contextlib.suppress(PeerClosed):
            async with attacker.connect() as peer:
                await peer.send(attacker.head("PUT", path, length) + content)
                await peer.answered()
        await asyncio.sleep(PAUSE)


async def _hold_while_chunks_arrive(
    attacker: Attacker, request: bytes, connections: int, messages: bytes = b""
) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_hold(attacker, request, connections, messages))
        group.create_task(send_chunks(attacker, len(attacker.target.chunks)))


async def _hold(attacker: Attacker, request: bytes, connections: int, messages: bytes = b"") -> None:
    """Send requests and do not read; ``messages`` follow the response to a handshake."""

    async def one(peer: Peer) -> None:
        await peer.send(request)
        if messages:
            await peer.receive()
            await peer.send(messages)
        try:
            await asyncio.sleep(attacker.target.seconds)
        finally:
            await peer.find_end()

    await attacker.repeat(one, connections, reads=False, pause=1.0)
