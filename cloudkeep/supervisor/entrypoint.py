"""Entry point of the supervisor's children: ``python -m cloudkeep.supervisor.entrypoint``.

The arguments name descriptors that a child inherits. This is no command of the command line, because loading that would
take a tenth of a second of every start.
"""

import faulthandler
import gc
import sys


def main() -> int:
    """Run the process that the arguments name."""
    faulthandler.enable()  # prints a traceback on SIGABRT, by which the supervisor ends a process that hangs
    gc.disable()  # loading makes little garbage, and collecting it would take a tenth of the time
    from cloudkeep.supervisor.bootstrap import run_api, run_worker

    match sys.argv[1:]:
        case ["api", listener, heartbeat]:
            return run_api(int(listener), int(heartbeat))
        case ["worker", heartbeat]:
            return run_worker(int(heartbeat))
        case _:
            raise SystemExit(
                "usage: python -m cloudkeep.supervisor.entrypoint api LISTENER HEARTBEAT | worker HEARTBEAT"
            )


if __name__ == "__main__":
    sys.exit(main())
