"""Describes the machine of a measurement."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

#: A load average over one minute above this makes a measurement doubtful.
QUIET = 0.5


@dataclass(frozen=True)
class Machine:
    """The machine at the beginning of a run; ``memory_gib`` in all, ``load`` over one minute."""

    time: str
    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    file_system: str
    python: str
    load: float

    @property
    def quiet(self) -> bool:
        """Whether nothing else seems to run."""
        return self.load <= QUIET

    def __str__(self) -> str:
        noise = "quiet" if self.quiet else f"not quiet (load {self.load:.2f} before the run)"
        where = f"{self.memory_gib:.0f} GiB of memory, Linux {self.kernel}, {self.file_system}"
        return f"{self.cpu}, {self.cores} cores, {where}, Python {self.python}; {noise}; {self.time}"


def describe(folder: Path) -> Machine:
    """This machine, with the file system that holds ``folder``."""
    return Machine(
        time=datetime.now(UTC).isoformat(timespec="minutes"),
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        kernel=platform.release(),
        file_system=_file_system(folder.resolve()),
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the deepest mount above the folder."""
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    return next((mounts[path] for path in [folder, *folder.parents] if path in mounts), "unknown")
