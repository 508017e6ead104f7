"""Draining a listening socket before it is closed, on the kernel of this machine."""

import asyncio
import socket

import pytest

from cloudkeep.server.listener_drain import allow_new_connections, block_new_connections, is_readable
from tests.support.server import listening_socket
from tests.support.waiting import eventually


async def test_a_draining_socket_accepts_earlier_connections_and_refuses_later_ones() -> None:
    with listening_socket() as listener, socket.socket() as late:
        late.setblocking(False)
        before = socket.create_connection(listener.getsockname())
        block_new_connections(listener)
        connecting = asyncio.create_task(asyncio.get_running_loop().sock_connect(late, listener.getsockname()))
        await eventually(lambda: is_connecting(late))
        accepted, _ = listener.accept()
        before.sendall(b"served")
        assert accepted.recv(100) == b"served"
        assert not is_readable(listener.fileno())
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.wait_for(connecting, 60)
        before.close()
        accepted.close()


def test_a_socket_that_one_process_has_blocked_accepts_connections_for_the_next() -> None:
    with listening_socket() as listener:
        block_new_connections(listener)
        allow_new_connections(listener)
        allow_new_connections(listener)
        with socket.create_connection(listener.getsockname(), timeout=60), listener.accept()[0]:
            pass


async def is_connecting(client: socket.socket) -> bool:
    """Whether the client is connecting: TCP_INFO begins with the state, and 2 is SYN_SENT."""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x02"
