"""Entry point of the supervisor's children, ``python -m cloudkeep.supervisor.entrypoint``.

They get descriptors that they inherit.

Beside the command line and not part of it, because loading that would take a tenth of a second of every start.
"""

import faulthandler
import gc
import sys


def main() -> int:
    """Run the role that the arguments name."""
    faulthandler.enable()  # says where on SIGABRT, by which the supervisor ends a process that stands still
    gc.disable()  # little of what loading makes is garbage, and looking for it would take a tenth of the time
    from cloudkeep.cli import commands

    match sys.argv[1:]:
        case ["api", listener, heartbeat]:
            return commands.api(int(listener), int(heartbeat))
        case ["worker", heartbeat]:
            return commands.worker(int(heartbeat))
        case _:
            raise SystemExit(
                "usage: python -m cloudkeep.supervisor.entrypoint api LISTENER HEARTBEAT | worker HEARTBEAT"
            )


if __name__ == "__main__":
    sys.exit(main())
