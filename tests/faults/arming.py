"""Arms a running server with a step and a victim."""

import itertools
import json
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.faults.steps import ACCOUNT_STEPS, STEPS, Step

INSIDE = Path(__file__).parent / "inside"
#: The sweeper every second, no longer and longer pauses before the next attempt or the next start, and leases that are
#: renewed before a short compression is over: what is proven stays the same, and takes less time.
CONSTANTS: dict[str, dict[str, Any]] = {
    "cloudkeep.resources.clock_sync": {"PERIOD_SECONDS": 0.5},
    # The host that runs the tests may have started a moment ago.
    "services.core.clock": {"SETTLED_SECONDS": 0.0},
    "workers.maintenance.housekeeping": {"HOUSEKEEPING_SECONDS": 1.0, "DERIVED_SECONDS": 1.0},
    "workers.job_runner": {"BACKOFF_SECONDS": 1.0},
    "workers.lease": {"RENEWALS": 20},
    "cloudkeep.supervisor.restarts": {"LONGEST_PAUSE": 0.2},
}
#: The classes whose calls are the statements of a process.
CLIENTS = {
    "storage.database.sqlite.client": ["Client", "Transaction"],
    "storage.database.postgres.client": ["Client", "Transaction"],
}


class Arming:
    """``environment`` goes to the server, which then strikes where :meth:`arm` says, once for each call of it."""

    def __init__(
        self, folder: Path, postmaster: int | None, constants: Mapping[str, dict[str, Any]] = CONSTANTS
    ) -> None:
        """``postmaster`` is the process ID of the server's PostgreSQL, ``constants`` what the server has instead."""
        self._folder = folder
        self._numbers = itertools.count(1)
        self._armed = ""
        folder.mkdir()
        plan = {"functions": functions(), "constants": dict(constants), "clients": CLIENTS, "postmaster": postmaster}
        (folder / "plan.json").write_text(json.dumps(plan))
        path = os.pathsep.join(filter(None, [str(INSIDE), os.environ.get("PYTHONPATH")]))
        self.environment = {"PYTHONPATH": path, "FAULT_FOLDER": str(folder)}

    def arm(self, step: Step, victim: str) -> None:
        """Strike the victim at this step, the next time that it is reached."""
        self._armed = str(next(self._numbers))
        prepared = self._folder / "armed.new"
        prepared.write_text(json.dumps({"id": self._armed, "victim": victim, "step": asdict(step)}))
        prepared.rename(self._folder / "armed.json")

    def disarm(self) -> None:
        """Strike no more."""
        (self._folder / "armed.json").unlink(missing_ok=True)

    def set_clocks(self, *, host: timedelta, database: timedelta = timedelta(0)) -> None:
        """Set how far the clocks of the server's host and of its database are ahead."""
        prepared = self._folder / "clocks.new"
        prepared.write_text(json.dumps({"host": host.total_seconds(), "database": database.total_seconds()}))
        prepared.rename(self._folder / "clocks.json")

    @property
    def has_struck(self) -> bool:
        """Whether it has struck since it was armed, and is still armed."""
        return (self._folder / "armed.json").exists() and self.struck_at is not None

    @property
    def struck_at(self) -> float | None:
        """The time of the strike, in seconds since the epoch; None before it."""
        try:
            return (self._folder / f"struck-{self._armed}").stat().st_mtime
        except FileNotFoundError:
            return None


def functions() -> dict[str, list[str]]:
    """The functions that are steps, by module."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for step in (*STEPS, *ACCOUNT_STEPS):
        found[step.module].add(step.function)
    return {module: sorted(names) for module, names in found.items()}
