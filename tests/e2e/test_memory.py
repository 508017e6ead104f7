"""The body of a request is never completely in memory."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import sign_up
from tests.support.process import ServeProcess, serving
from tests.support.server import Api, http_client

MIB = 1024 * 1024
LARGEST_CHUNK = 95 * MIB
ALLOWED_GROWTH = 8 * MIB


@pytest.fixture
def quiet(tmp_path: Path, empty_database: str) -> Iterator[ServeProcess]:
    """A server that no other test uses."""
    with serving(tmp_path, CLOUDKEEP_DATABASE_URL=empty_database) as process:
        yield process


def reset_peak(process: psutil.Process) -> int:
    """Forget the peak and return the resident size, both in bytes (proc(5), clear_refs)."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")
    return peak(process)


def peak(process: psutil.Process) -> int:
    """The largest resident size since the last reset, in bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


@pytest.mark.parametrize("how", ["put", "post"])
async def test_a_chunk_of_95_mib_raises_the_servers_memory_by_less_than_8(quiet: ServeProcess, how: str) -> None:
    async with http_client(quiet.url, timeout=60) as http:
        person = await sign_up(http, quiet)
        warm, large = bytes(3 * MIB), bytes(LARGEST_CHUNK)
        await send(person, how, warm)
        api = quiet.child("api")
        before = reset_peak(api)
        await send(person, how, large)
        assert peak(api) - before < ALLOWED_GROWTH


async def send(person: Api, how: str, content: bytes) -> None:
    upload = await person.init(content, chunkSize=max(len(content), 64 * 1024))
    (slot,) = upload["slots"]["nodes"]
    answer = await getattr(person, how)(slot, content)
    assert answer.status_code == 200, answer.text
