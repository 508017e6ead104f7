"""Which child processes make up the server."""

import hashlib
import os
import re
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cloudkeep import metrics
from cloudkeep.children import ChildSpec
from cloudkeep.settings import PREFIX, Settings, is_known


def server_children(settings: Settings, listener: int) -> Sequence[ChildSpec]:
    """The API processes, which share the listening socket, and one worker."""
    # -P: a folder named like one of our packages in the working directory must not be imported in its place.
    command = (sys.executable, "-P", "-m", "cloudkeep.child")
    name = {f"{PREFIX}WORKER_NAME": settings.worker_name or worker_name(settings.data_dir)}
    return [
        *(
            ChildSpec(
                f"api-{number}",
                (*command, "api", str(listener)),
                metrics.environment(settings.data_dir),
                pass_fds=(listener,),
                on_end=partial(metrics.forget, settings.data_dir),
            )
            for number in range(1, settings.workers + 1)
        ),
        ChildSpec("worker-1", (*command, "worker"), name),
    ]


def environment(redis_url: str) -> dict[str, str]:
    """What every child inherits: our environment and the way to Redis.

    Misspelt settings are left out, since the supervisor has warned of them; output is not buffered, so that printed
    mail is seen at once.
    """
    inherited = {name: value for name, value in os.environ.items() if is_known(name)}
    return {**inherited, f"{PREFIX}REDIS_URL": redis_url, "PYTHONUNBUFFERED": "1"}


def worker_name(data_dir: Path) -> str:
    """A name that stays the same over restarts and differs between servers on one machine."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64]
    return f"{host}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:8]}-1"
