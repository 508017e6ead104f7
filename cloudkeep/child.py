"""Entry point of the supervisor's children: ``python -m cloudkeep.child api LISTENER`` and ``… worker``.

Beside the command line and not part of it, because loading that would take a tenth of a second of every start.
"""

import gc
import sys


def main() -> int:
    """Run the role that the arguments name."""
    gc.disable()  # little of what loading makes is garbage, and looking for it would take a tenth of the time
    from cloudkeep import commands

    match sys.argv[1:]:
        case ["api", listener]:
            return commands.api(int(listener))
        case ["worker"]:
            return commands.worker()
        case _:
            raise SystemExit("usage: python -m cloudkeep.child api LISTENER | worker")


if __name__ == "__main__":
    sys.exit(main())
