"""Resources that a server in this process has not released."""

import asyncio
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from cloudkeep.server.body_offload import OffloadingProtocol


def find_leaks(server: int, peers: Collection[int] = ()) -> list[str]:
    """Bodies on threads, requests under way, files and events that are open, and connections from these ports."""
    found = [f"{OffloadingProtocol.threads.busy} threads"] if OffloadingProtocol.threads.busy else []
    found += ["a request" for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro())]
    found += [target for target in _open_files() if "eventfd" in target or "/staging/" in target]
    for one in psutil.Process().net_connections("tcp"):
        if one.laddr.port == server and one.status != psutil.CONN_LISTEN and one.raddr.port in peers:
            found.append(f"a connection from port {one.raddr.port}")
    return found


def _open_files() -> Iterator[str]:
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            yield os.readlink(descriptor)
