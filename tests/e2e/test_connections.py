"""As many clients as the system allows."""

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.support.process import serving

SHELL, SYSTEM = 256, 4_096


def test_a_server_takes_more_connections_than_its_shell_gives_to_programs(tmp_path: Path) -> None:
    with serving(tmp_path, prefix=["prlimit", f"--nofile={SHELL}:{SYSTEM}"]) as process, ExitStack() as stack:
        address = (urlsplit(process.url).hostname, urlsplit(process.url).port)
        for _ in range(SHELL):
            stack.enter_context(socket.create_connection(address, timeout=30)).sendall(b"GET ")
        assert httpx.get(f"{process.url}/healthz", timeout=30).status_code == 200
