"""Which child processes make up the server."""

import os
import signal
import sys
from collections.abc import Sequence

from cloudkeep.settings.settings import PREFIX, Settings, is_known
from cloudkeep.supervisor.process import ProcessSpec
from cloudkeep.telemetry.metrics import Places

#: A process whose event loop has done nothing for so long will not go on by itself.
STANDSTILL_SECONDS = 30.0

#: The workers of a server are many in one place, and its API shows the numbers.
NO_PORT = {f"{PREFIX}WORKER_PORT": ""}


def server_children(settings: Settings, listener: int) -> Sequence[ProcessSpec]:
    """The API processes, which share the listening socket, and the workers."""
    # -P: a folder named like one of our packages in the working directory must not be imported in its place.
    command = (sys.executable, "-P", "-m", "cloudkeep.supervisor.entrypoint")
    places = Places(settings.data_dir)
    return [
        *(
            ProcessSpec(
                f"api-{number}",
                (*command, "api", str(listener)),
                pass_fds=(listener,),
                surroundings=places.taken,
                patience=STANDSTILL_SECONDS,
                retire=signal.SIGUSR1,
            )
            for number in range(1, settings.workers + 1)
        ),
        *(
            ProcessSpec(
                f"worker-{number}",
                (*command, "worker"),
                NO_PORT,
                surroundings=places.taken,
                patience=STANDSTILL_SECONDS,
            )
            for number in range(1, settings.job_workers + 1)
        ),
    ]


def environment(redis_url: str) -> dict[str, str]:
    """What every child inherits: our environment and the way to Redis.

    Misspelt settings are left out, since the supervisor has warned of them; output is not buffered, so that printed
    mail is seen at once.
    """
    inherited = {name: value for name, value in os.environ.items() if is_known(name)}
    return {**inherited, f"{PREFIX}REDIS_URL": redis_url, "PYTHONUNBUFFERED": "1"}
