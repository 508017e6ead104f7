"""A disk whose power can be cut: an ext4 file system in a file, which loses whatever was not synced."""

import asyncio
import fcntl
import os
import shutil
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.support.process import ServeProcess
from tests.support.waiting import eventually

MEBIBYTES = 1024
#: FS_IOC_SHUTDOWN of linux/fs.h with EXT4_GOING_FLAGS_NOLOGFLUSH, by which xfstests cuts the power: nothing more
#: reaches the disk, neither what lies in the page cache nor what lies in the journal's memory.
SHUTDOWN = 0x8004587D
WITHOUT_JOURNAL = (2).to_bytes(4, "little")
#: Written in the last moment, to see that the power does take something.
UNSYNCED = "unsynced"
MOUNT = 'mount -o loop "$1" "$2" && shift 2 && exec "$@"'


class Disk:
    """A disk that is mounted only for a running server."""

    def __init__(self, folder: Path) -> None:
        """Skips the test if this machine does not allow such a disk."""
        self._image, self.path = folder / "disk.img", folder / "disk"
        self.path.mkdir()
        with self._image.open("wb") as image:
            image.truncate(MEBIBYTES * 2**20)
        try:
            mkfs = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "mkfs.ext4"
            subprocess.run([mkfs, "-q", self._image], check=True, capture_output=True)
            subprocess.run([*self.prefix, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"NOT TESTED without power: this machine mounts no disk of ours ({error})")

    @property
    def prefix(self) -> list[str]:
        """A command prefix with which the command sees the disk at ``path``."""
        return ["unshare", "--mount", "sh", "-c", MOUNT, "sh", str(self._image), str(self.path)]

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the disk while no server does."""
        line, env = [*self.prefix, *command], {**os.environ, **environment}
        return subprocess.run(line, env=env, capture_output=True, text=True, timeout=120, check=False)

    async def cut(self, process: ServeProcess) -> None:
        """End the server and its disk at the same moment, and wait until both are released."""
        seen = Path(f"/proc/{process.pid}/root{self.path}")
        await eventually(partial(self._is_mounted, seen))
        processes = [psutil.Process(process.pid), *process.descendants()]
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.suspend()
        (seen / UNSYNCED).write_text("gone")
        self._shut_down(seen)
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(processes, timeout=30)
        await eventually(self._is_free)
        assert self.run("cat", str(self.path / UNSYNCED)).stdout == "", "the power was not cut"
        await eventually(self._is_free)

    def _shut_down(self, seen: Path) -> None:
        disk = os.open(seen, os.O_RDONLY)
        try:
            # Never that of the machine.
            assert os.fstat(disk).st_dev != self._image.stat().st_dev
            fcntl.ioctl(disk, SHUTDOWN, WITHOUT_JOURNAL)
        finally:
            os.close(disk)

    async def _is_mounted(self, seen: Path) -> bool:
        return seen.stat().st_dev != self._image.stat().st_dev

    async def _is_free(self) -> bool:
        loops = await asyncio.create_subprocess_exec("losetup", "--associated", self._image, stdout=subprocess.PIPE)
        return (await loops.communicate())[0] == b""
