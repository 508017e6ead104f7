"""A power cut loses unsynced bytes, but no file is lost, wrong, or incomplete.

``make test`` cuts it once, ``make faults`` twenty times. The seed is printed, so that a run can be repeated.
"""

import asyncio
import os
import random
import secrets
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import sign_up
from tests.support.faults.power import Disk
from tests.support.process import ServeProcess, free_port
from tests.support.server import Api, http_client
from tests.support.uploads import Sent, assert_whole, begin, look, padded_clip, to_the_end

LONG = "FAULT_KILLS" in os.environ
CUTS = int(os.environ.get("FAULT_CUTS", "20" if LONG else "1"))
SEED = int(os.environ.get("FAULT_SEED", str(secrets.randbits(32))))
#: Files under way at once; the first one is compressed.
AT_ONCE = 3
CHUNK = 128 * 1024
PADDING = 2 * 1024 * 1024
#: Seconds until the power fails: the kernel writes its journal every five by itself.
SHORTEST, LONGEST = 0.05, 6.0


class House:
    """A server on a disk of its own, whose power can fail."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk(folder)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.process = self._on()

    async def lose_power(self) -> None:
        """Cut the power, and mount the disk again."""
        await self.disk.cut(self.process)
        self.process.stop()
        self.process = self._on()

    async def is_ready(self) -> None:
        """Wait until the server can do all of its work."""
        await asyncio.to_thread(self.process.wait_until_ready)

    def command(self, name: str) -> str:
        """The output of a command of CloudKeep after the server has ended."""
        done = self.disk.run(sys.executable, "-m", "cloudkeep", name, CLOUDKEEP_DATA_DIR=str(self.disk.path))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _on(self) -> ServeProcess:
        return ServeProcess(self.disk.path, self._port, self.disk.prefix, CLOUDKEEP_ACCESS_TOKEN_TTL="86400")


def moments() -> random.Random:
    print(f"\nFAULT_SEED={SEED} FAULT_CUTS={CUTS}")
    return random.Random(SEED)


async def send(person: Api, sent: Sent) -> None:
    await begin(person, sent)
    await to_the_end(person, sent)


async def test_whatever_the_power_takes_every_file_arrives_whole_and_stays(tmp_path: Path) -> None:
    chance, house, kept = moments(), House(tmp_path), list[Sent]()
    try:
        async with http_client(house.url) as http:
            await house.is_ready()
            person = await sign_up(http, house.process)
            for cut in range(CUTS):
                names = [f"{cut}-{number}.mp4" for number in range(AT_ONCE)]
                # What lay in the page cache alone is damaged then: its slot is opened again.
                files = [Sent(padded_clip(PADDING), name, name == names[0], CHUNK, damaged=True) for name in names]
                async with asyncio.TaskGroup() as sending:
                    for file in files:
                        sending.create_task(send(person, file))
                    await asyncio.sleep(SHORTEST * (LONGEST / SHORTEST) ** chance.random())
                    await house.lose_power()
                    await house.is_ready()
                kept += files
            for file in kept:
                # It was READY once, and nothing was sent since.
                await assert_whole(person, await look(person, file), file.content, file.compress)
    finally:
        house.process.stop()
    assert house.command("doctor") == "All is well.\n"
    assert f"{len(kept) + CUTS} blobs" in house.command("scrub")


@pytest.mark.skipif(not LONG, reason="takes minutes: make faults runs it")
async def test_a_first_start_that_loses_its_power_can_be_made_again(tmp_path: Path) -> None:
    chance = moments()
    for cut in range(CUTS):
        (folder := tmp_path / str(cut)).mkdir()
        house = House(folder)
        try:
            await asyncio.sleep(LONGEST * chance.random())
            await house.lose_power()
            await house.is_ready()
            async with http_client(house.url) as http:
                await sign_up(http, house.process)
        finally:
            house.process.stop()
