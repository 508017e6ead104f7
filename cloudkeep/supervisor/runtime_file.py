"""The file in the data folder that says where its running server listens, for commands on the same machine."""

import fcntl
import json
import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cloudkeep.client.running_server import FILE_NAME
from cloudkeep.settings.parsers import reachable_host

_log = logging.getLogger("cloudkeep.supervisor")


@contextmanager
def runtime_file(data_dir: Path, url: str) -> Iterator[None]:
    """Keep the file for the block. The caller has claimed the data folder. ``url`` leads to this server.

    The server also starts if the file cannot be written, and logs a warning.
    """
    path = data_dir / FILE_NAME
    try:
        file = _write(path, json.dumps({"url": url, "pid": os.getpid()}))
    except OSError as error:
        _log.warning("%s cannot be written, so `cloudkeep upload` needs CLOUDKEEP_URL: %s", path, error.strerror)
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(file)


def _write(path: Path, text: str) -> int:
    """Write the file under a lock, which holds until the descriptor that this returns is closed."""
    file, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # its mode is 0600 from the start
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.write(file, text.encode())
        os.replace(draft, path)
    except OSError:
        os.close(file)
        with suppress(OSError):
            os.unlink(draft)
        raise
    return file


def local_url(listener: socket.socket) -> str:
    """The URL at which this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    host = reachable_host(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
