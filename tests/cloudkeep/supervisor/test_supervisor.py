"""The supervisor, with small test programs in place of the API and the worker."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from cloudkeep.client.running_server import FILE_NAME, find_server
from cloudkeep.settings.preflight import claimed
from tests.support.process import free_port
from tests.support.server import http_client

PROGRAM = """
import asyncio, sys
from cloudkeep.supervisor.process import ProcessSpec
from cloudkeep.telemetry.logs import set_up_logging
from cloudkeep.settings.settings import load_settings
from cloudkeep.supervisor.supervisor import supervise

def specs(settings, listener):
    return [ProcessSpec("child", (sys.executable, "-c", sys.argv[1], str(listener)), pass_fds=(listener,))]

set_up_logging()
sys.exit(asyncio.run(supervise(load_settings(), specs)))
"""
IDLE = "import os, time; print('pid', os.getpid()); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, lambda *_: print('no')); {IDLE}; time.sleep(600)"
DYING = "import os; os._exit(3)"
REFUSING = "import sys; sys.stderr.write('why\\n'); sys.exit(2)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {IDLE!r}]); {IDLE}"
SERVER = """
import socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
while True:
    connection, _ = listener.accept()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
    connection.close()
"""
BANNER_LINES = 4
PATIENCE = 60


class Server:
    """A running supervisor and its output."""

    def __init__(self, process: Process, data_dir: Path, port: int) -> None:
        self.process, self.data_dir, self.port = process, data_dir, port

    async def line(self) -> str:
        """The next line on standard output."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            line = await self.process.stdout.readline()
        assert line, "the supervisor has ended"
        return line.decode().rstrip("\n")

    async def banner(self) -> list[str]:
        """The first lines on standard output."""
        return [await self.line() for _ in range(BANNER_LINES)]

    async def last_line(self) -> str:
        """The last line on standard output."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stdout.read()).decode().splitlines()[-1]

    async def pid(self) -> psutil.Process:
        """The next process that prints its ID."""
        while not (line := await self.line()).startswith("pid "):
            pass
        return psutil.Process(int(line.removeprefix("pid ")))

    async def end(self) -> tuple[int, list[str]]:
        """The exit code and the remaining lines on standard error."""
        async with asyncio.timeout(PATIENCE):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode().splitlines()


@asynccontextmanager
async def serving(data_dir: Path, child: str, **settings: str) -> AsyncIterator[Server]:
    variables = {"DATA_DIR": str(data_dir), "PORT": str(free_port()), **settings}
    environment = {**os.environ, **{f"CLOUDKEEP_{name}": value for name, value in variables.items()}}
    environment["PYTHONUNBUFFERED"] = "1"
    command = (sys.executable, "-c", PROGRAM, child)
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    try:
        yield Server(process, data_dir, int(variables["PORT"]))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended. A zombie counts as ended."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)


def valkey_of(server: Server) -> psutil.Process:
    return next(p for p in psutil.Process(server.process.pid).children() if "valkey" in p.name())


async def test_the_first_lines_name_the_address_and_the_folders(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE) as server:
        first, *more = await server.banner()
        url = f"http://localhost:{server.port}"
        assert first.startswith("CloudKeep ")
        assert first.endswith(url)
        assert more == [
            f"GraphiQL: {url}/graphql",
            "Mail is printed here (set CLOUDKEEP_MAIL_URL to send it).",
            f"Data: {tmp_path}",
        ]


async def test_the_banner_says_ready_when_the_api_is_ready(tmp_path: Path) -> None:
    async with serving(tmp_path, SERVER) as server:
        await server.banner()
        assert await server.line() == "Ready."


async def test_the_server_responds_at_the_printed_name_and_at_its_address(tmp_path: Path) -> None:
    async with serving(tmp_path, SERVER) as server, http_client() as http:
        first, *_ = await server.banner()
        await server.line()
        for url in (first.rpartition(" ")[2], f"http://127.0.0.1:{server.port}"):
            assert (await http.get(url)).status_code == 200


async def test_a_killed_child_is_restarted(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE) as server:
        first = await server.pid()
        first.kill()
        assert (await server.pid()).pid != first.pid
        server.process.terminate()
        code, errors = await server.end()
        assert code == 0
        assert errors[0].endswith("child was ended by SIGKILL; starting it again in 0.2 s [cloudkeep.supervisor]")
        assert len(errors) == 1


async def test_a_child_that_ends_by_a_real_time_signal_is_restarted(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE) as server:
        first = await server.pid()
        first.send_signal(signal.SIGRTMIN + 2)
        assert (await server.pid()).pid != first.pid
        server.process.terminate()
        code, errors = await server.end()
        assert (code, len(errors)) == (0, 1)
        assert "child was ended by SIGRTMIN+2; starting it again" in errors[0]


async def test_pauses_grow_while_a_child_keeps_failing(tmp_path: Path) -> None:
    async with serving(tmp_path, DYING) as server:
        assert server.process.stderr
        lines = [(await server.process.stderr.readline()).decode() for _ in range(3)]
        assert [line.split("code ")[1] for line in lines] == [
            f"3; starting it again in {pause} s [cloudkeep.supervisor]\n" for pause in (0.2, 0.4, 0.8)
        ]


async def test_valkey_is_restarted_with_its_data(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, IDLE) as server,
        Redis.from_url(f"unix://{tmp_path}/valkey/valkey.sock", retry=Retry(ConstantBackoff(0.1), 100)) as redis,
    ):
        await server.pid()
        await redis.set("key", "value")
        valkey_of(server).kill()
        assert await redis.get("key") == b"value"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_everything_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    async with serving(tmp_path, IDLE) as server:
        child = await server.pid()
        valkey = valkey_of(server)
        server.process.send_signal(number)
        assert await server.last_line() == "CloudKeep has stopped."
        assert await server.end() == (0, [])
        assert gone(child)
        assert gone(valkey)


async def test_a_running_server_says_in_its_data_folder_where_it_listens(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE, HOST="0.0.0.0") as server:
        await server.pid()
        assert find_server(tmp_path) == f"http://127.0.0.1:{server.port}"
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
        server.process.terminate()
        assert await server.end() == (0, [])
        assert not (tmp_path / FILE_NAME).exists()


async def test_a_killed_server_does_not_count_as_running(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE) as server:
        await server.pid()
        server.process.kill()
        await server.end()
    assert (tmp_path / FILE_NAME).exists()
    assert find_server(tmp_path) is None


async def test_a_second_signal_kills_a_child_that_does_not_stop(tmp_path: Path) -> None:
    async with serving(tmp_path, STUBBORN) as server:
        child = await server.pid()
        server.process.send_signal(signal.SIGINT)
        assert await server.line() == "no"
        server.process.send_signal(signal.SIGINT)
        assert await server.last_line() == "CloudKeep has stopped."
        code, errors = await server.end()
        assert code == 130
        assert gone(child)
        assert any("second signal: killed " in error and "child" in error for error in errors), errors


async def test_a_child_that_does_not_stop_in_time_is_killed_and_named(tmp_path: Path) -> None:
    async with serving(tmp_path, STUBBORN) as server:
        child = await server.pid()
        server.process.terminate()
        code, errors = await server.end()
        assert code == 0
        assert gone(child)
        assert any("child did not stop within 7.5 s; killing it" in error for error in errors), errors


async def test_processes_that_a_child_has_started_end_with_it(tmp_path: Path) -> None:
    async with serving(tmp_path, PARENT) as server:
        family = [await server.pid(), await server.pid()]
        server.process.terminate()
        assert (await server.end())[0] == 0
        assert all(map(gone, family))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can signal children when their parent ends")
async def test_no_process_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    async with serving(tmp_path, STUBBORN) as server:
        child = await server.pid()
        valkey = valkey_of(server)
        server.process.kill()
        await server.end()
        await eventually(lambda: gone(child) and gone(valkey))


async def test_ctrl_c_in_a_terminal_only_reaches_the_supervisor(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE) as server:
        child = await server.pid()
        assert os.getsid(child.pid) == child.pid
        assert os.getsid(valkey_of(server).pid) != os.getsid(server.process.pid)


async def test_a_child_that_refuses_to_start_ends_the_start(tmp_path: Path) -> None:
    async with serving(tmp_path, REFUSING) as server:
        assert await server.end() == (2, ["why"])


async def test_children_get_the_url_of_redis_and_no_misspelt_settings(tmp_path: Path) -> None:
    show = "import os; print('seen', sorted(n for n in os.environ if n.startswith('CLOUDKEEP_'))); "
    async with serving(tmp_path, show + IDLE, PROT="1") as server:
        await server.banner()
        assert await server.line() == "seen ['CLOUDKEEP_DATA_DIR', 'CLOUDKEEP_PORT', 'CLOUDKEEP_REDIS_URL']"


async def test_valkey_is_not_started_if_a_redis_is_configured(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE, REDIS_URL="redis://elsewhere") as server:
        child = await server.pid()
        assert psutil.Process(server.process.pid).children() == [child]


async def test_a_busy_port_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with serving(tmp_path, IDLE, PORT=str(port)) as server:
            reason = f"cannot listen on 127.0.0.1:{port}: Address already in use"
            hint = "stop the program that uses it, or set another port"
            assert await server.end() == (2, [f"cloudkeep: CLOUDKEEP_PORT: {reason}; {hint}"])


async def test_an_address_of_another_machine_ends_the_start_with_one_line(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE, HOST="192.0.2.1") as server:
        assert await server.end() == (2, ["cloudkeep: CLOUDKEEP_HOST: 192.0.2.1 is no address of this machine"])


async def test_two_servers_never_share_a_data_folder(tmp_path: Path) -> None:
    with claimed(tmp_path):
        async with serving(tmp_path, IDLE) as server:
            reason = f"data folder {tmp_path} is in use by another CloudKeep (pid {os.getpid()})"
            hint = "stop it, or set CLOUDKEEP_DATA_DIR to another folder"
            assert await server.end() == (2, [f"cloudkeep: {reason}; {hint}"])


async def test_the_folder_of_a_killed_server_is_free_again(tmp_path: Path) -> None:
    async with serving(tmp_path, IDLE) as server:
        await server.pid()
        server.process.kill()
        await server.end()
        with claimed(tmp_path):
            assert (tmp_path / "cloudkeep.lock").read_text() == f"{os.getpid()}\n"


async def test_a_valkey_that_cannot_start_ends_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "valkey" / "valkey.sock").mkdir(parents=True)
    async with serving(tmp_path, IDLE) as server:
        code, (error,) = await server.end()
        assert code == 2
        assert error.startswith("cloudkeep: Valkey cannot be started: Valkey ended at once: ")
