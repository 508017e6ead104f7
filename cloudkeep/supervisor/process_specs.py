"""The child processes of a server."""

import os
import signal
import sys
from collections.abc import Sequence

from cloudkeep.settings.settings import PREFIX, Settings, is_known
from cloudkeep.supervisor.process import ProcessSpec
from cloudkeep.telemetry.metrics import MetricsSlots

#: An event loop that has been blocked this long will not recover. In seconds.
HEARTBEAT_TIMEOUT = 30.0

#: Several workers of one server cannot share a port, and its API shows their metrics.
NO_PORT = {f"{PREFIX}WORKER_PORT": ""}


def server_processes(settings: Settings, listener: int) -> Sequence[ProcessSpec]:
    """The API processes, which share the listening socket, and the workers."""
    # -P: a folder in the working directory that is named like one of our packages must not be imported instead.
    command = (sys.executable, "-P", "-m", "cloudkeep.supervisor.entrypoint")
    slots = MetricsSlots(settings.data_dir)
    return [
        *(
            ProcessSpec(
                f"api-{number}",
                (*command, "api", str(listener)),
                pass_fds=(listener,),
                scoped_environment=slots.claim,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retire_signal=signal.SIGUSR1,
            )
            for number in range(1, settings.workers + 1)
        ),
        *(
            ProcessSpec(
                f"worker-{number}",
                (*command, "worker"),
                NO_PORT,
                scoped_environment=slots.claim,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
            )
            for number in range(1, settings.job_workers + 1)
        ),
    ]


def child_environment(redis_url: str) -> dict[str, str]:
    """The environment of every child: our own, and where Redis is.

    Misspelt settings are left out, since the supervisor has warned of them; output is not buffered, so that printed
    mail appears at once.
    """
    inherited = {name: value for name, value in os.environ.items() if is_known(name)}
    return {**inherited, f"{PREFIX}REDIS_URL": redis_url, "PYTHONUNBUFFERED": "1"}
