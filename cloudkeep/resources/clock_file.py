"""What the processes of a host know of the database's clock, in a file of the data folder.

A process that starts while that clock is wrong has no earlier reading to compare it with. It uses the reading of the
others, as long as the host has not been started again: the seconds since its start connect the two.
"""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from services.core.clock import ClockState

NAME = "clock.json"
#: Changes with every start of the host (Linux, random(4)).
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: Seconds by which readings differ without a reason to write them.
PRECISION = 1.0


def load(path: Path) -> ClockState | None:
    """The state in the file; None if there is none of this start of the host."""
    try:
        saved = json.loads(path.read_text())
        if saved["boot_id"] != _boot_id():
            return None
        jumped_at = saved["jumped_at"]
        return ClockState(float(saved["origin"]), None if jumped_at is None else float(jumped_at))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(path: Path, state: ClockState) -> None:
    """Replace the file, unless it says the same. A file that cannot be written is none: no process depends on it."""
    if (known := load(path)) and _is_same(known, state):
        return
    with suppress(OSError):
        file, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # its mode is 0600 from the start
        try:
            with os.fdopen(file, "w") as opened:
                json.dump({"boot_id": _boot_id(), **state._asdict()}, opened)
            os.replace(draft, path)
        except OSError:
            os.unlink(draft)
            raise


def _is_same(known: ClockState, state: ClockState) -> bool:
    """Whether both say the same; two processes see a jump some seconds apart."""
    jumps = known.jumped_at is not None, state.jumped_at is not None
    return jumps[0] == jumps[1] and abs(known.origin - state.origin) < PRECISION


def _boot_id() -> str:
    return BOOT_ID.read_text().strip()
