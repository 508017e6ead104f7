"""The transport of a client's connection: how much of a response the kernel may keep for it."""

import asyncio
import socket

from cloudkeep.server.client_transport import LARGEST_UNSENT, UNSENT, ClientTransport
from endpoints.response_timeouts import ResponseTimeouts

#: From Linux's <linux/tcp.h>.
TCP_NOTSENT_LOWAT = 25


async def test_the_kernel_keeps_as_much_as_the_smaller_one_of_two_blocks_within_bounds() -> None:
    accepted: asyncio.Queue[ClientTransport] = asyncio.Queue()

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            accepted.put_nowait(ClientTransport(transport, bool, ResponseTimeouts(), lambda: None))

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Protocol, "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        transport = await accepted.get()
        found = [_limit_after(transport, size) for size in (16_384, 300_000, 300_000, 5_000_000, 5_000_000, 10)]
        transport.abort()
        writer.close()
    assert found == [UNSENT, UNSENT, 300_000, 300_000, LARGEST_UNSENT, UNSENT]


def _limit_after(transport: ClientTransport, size: int) -> int:
    """The limit of the kernel after a write of so many bytes."""
    transport.write(bytes(size))
    sock: socket.socket = transport.get_extra_info("socket")
    return sock.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT)
