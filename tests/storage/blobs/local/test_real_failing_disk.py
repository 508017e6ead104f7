"""A real device that fails to write: what is verified after a failed sync is what the device has."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.faults.full_device import ENTER

ROOT = Path(__file__).parents[4]
#: Publishes a file whose bytes the device cannot write, and prints what happened.
PROGRAM = """
import asyncio, json, os, sys
from pathlib import Path
from storage.blobs import LocalBlobStore
from storage.errors import NoSpace
from tests.support.faults.full_device import FullDevice

KEY, CONTENT = "0123456789", b"content!" * 131072

async def scanned(store):
    blocks = []
    await store.scan(KEY, 0, len(CONTENT), lambda block: blocks.append(bytes(block)))
    return b"".join(blocks) == CONTENT

async def main():
    device = FullDevice(Path(sys.argv[1]))
    store = LocalBlobStore(device.path / "blobs", 0)
    await store.stage(KEY, len(CONTENT))
    os.sync()
    file = device.path / "blobs" / "staging" / KEY
    device.fail_to_write(file)
    async with store.slot(KEY, 0, len(CONTENT)) as writer:
        await writer.write([CONTENT])
        await writer.finish()
    found = {"error": ""}
    try:
        await store.prepare(KEY)
    except (OSError, NoSpace) as error:
        found["error"] = str(error)
    device.work_again()
    found["memory"] = await scanned(store)
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
    found["second sync"] = "succeeded"
    found["reread"] = await store.reread_after_failed_sync(KEY)
    found["device"] = await scanned(store)
    async with store.slot(KEY, 0, len(CONTENT)) as writer:
        await writer.write([CONTENT])
        await writer.finish()
    await store.prepare(KEY)
    await store.publish(KEY)
    found["written again"] = await scanned(store)
    print(json.dumps(found))

asyncio.run(main())
"""


@pytest.fixture
def found(tmp_path: Path) -> Any:
    """What the program prints. Skips the test if this machine does not allow such a device."""
    command = [*ENTER, sys.executable, "-c", PROGRAM, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    if "full_device.py" in ended.stderr or (not ended.stderr.startswith("Traceback") and ended.returncode):
        pytest.skip(f"NOT TESTED on a real device: {ended.stderr.strip().splitlines()[-1]}")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_bytes_that_the_device_never_got_are_not_taken_for_stored(found: dict[str, Any]) -> None:
    assert found["error"]
    # This is the trap: the bytes can be read, and the second fsync succeeds.
    assert (found["memory"], found["second sync"]) == (True, "succeeded")
    assert (found["reread"], found["device"]) == (True, False)
    assert found["written again"]
