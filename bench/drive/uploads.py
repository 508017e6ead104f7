"""Uploads of a folder with many small files by the command of CloudKeep, in the default budgets."""

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.clients.user import User
from bench.contenders.cloudkeep import CloudKeep
from bench.drive.databases import FilledDatabase
from bench.drive.graphql import data_folder
from bench.drive.timing import Timing
from bench.harness.command import ROOT, BenchmarkFailed
from bench.harness.server import Server, free_port, running

#: Bytes of a file.
SIZE = 4096
FILES_OF_A_FOLDER = 100


async def measure(database: FilledDatabase, count: int, runs: int) -> list[Timing]:
    """Upload ``count`` files once; ``runs`` is not used. The processor time is of the server, not of the command."""
    with TemporaryDirectory() as name:
        data, port = data_folder(name), free_port()
        source = make_files(Path(name, "source"), count)
        server = CloudKeep(settings={"CLOUDKEEP_DATABASE_URL": database.url})
        with running(server.launch(data, port), data, port) as process:
            user = User.sign_up(process)
            before, start = _cpu_seconds(database, process), perf_counter()
            await _upload(user, source)
            seconds = perf_counter() - start
            cpu = _cpu_seconds(database, process) - before
    operation = f"upload {count:,} files of 4 KiB: each, {count / seconds:.0f} a second"
    each = seconds * 1000 / count
    return [Timing(database.kind, operation, [each], cpu * 1000 / count)]


def make_files(folder: Path, count: int) -> Path:
    """Different files in several folders. Returns the folder."""
    for number in range(count):
        path = folder / str(number // FILES_OF_A_FOLDER) / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(SIZE))
    return folder


async def _upload(user: User, source: Path) -> None:
    command = ["-m", "cloudkeep", "upload", str(source), "--url", f"http://127.0.0.1:{user.port}"]
    environment = {**os.environ, "CLOUDKEEP_TOKEN": user.token, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise BenchmarkFailed(errors.decode(errors="replace")[-2000:])


def _cpu_seconds(database: FilledDatabase, server: Server) -> float:
    return database.cpu_seconds() + sum(server.cpu_seconds().values())
