"""Three API hosts and three workers with PostgreSQL, Valkey and S3: whatever is killed, nothing is lost or done twice.

``make test`` kills a few times, ``make scale`` two hundred times. The seed is printed, so that a run can be repeated.
"""

import asyncio
import os
import secrets
import time
from pathlib import Path

import pytest

from tests.scale.cluster import Cluster, running
from tests.scale.proofs import equip, nothing_is_left, stored_once
from tests.scale.watchers import Watcher
from tests.support.backends.s3 import S3Server
from tests.support.faults.kills import Killer
from tests.support.server import Api, http_client, sign_up
from tests.support.uploads import Sent, assert_whole, begin, padded_clip, to_the_end

KILLS = int(os.environ.get("SCALE_KILLS", "8"))
SEED = int(os.environ.get("SCALE_SEED", str(secrets.randbits(32))))
#: Chunks of each file; the last one is short.
CHUNKS = int(os.environ.get("SCALE_CHUNKS", "2"))
AT_ONCE = 50
PEOPLE = 5
#: Seconds for that many files.
PATIENCE_SECONDS = 600.0
#: One in this many files is a video that is compressed.
COMPRESSED = 10
#: The least that a part of an S3 upload may have, but for the last one.
CHUNK = 5 * 1024 * 1024
LAST = 64 * 1024


def a_file(number: int) -> Sent:
    """A file that was not sent before."""
    size = (CHUNKS - 1) * CHUNK + LAST
    compressed = number % COMPRESSED == 0
    content = padded_clip(size) if compressed else secrets.token_bytes(size)
    return Sent(content, f"{number}.mp4", compressed, CHUNK)


async def sent_and_watched(person: Api, number: int, under_way: dict[int, Watcher]) -> None:
    """Upload a file while a client watches, and download it unchanged."""
    sent = a_file(number)
    await begin(person, sent)
    under_way[number] = watcher = Watcher(person, sent.upload_id)
    watching = asyncio.create_task(watcher.by_socket() if number % 2 else watcher.by_events())
    upload = await to_the_end(person, sent)
    frames = await watching
    assert frames[-1]["stage"] == "READY", frames
    await assert_whole(person, upload, sent.content, sent.compress)
    del under_way[number]


@pytest.mark.postgres
async def test_fifty_uploads_at_once_survive_whatever_is_killed(
    tmp_path: Path, database_url: str, s3: S3Server
) -> None:
    bucket_url = s3.url(s3.new_bucket())
    await equip(database_url, bucket_url)
    print(f"\nSCALE_SEED={SEED} SCALE_KILLS={KILLS} SCALE_CHUNKS={CHUNKS}")
    async with running(tmp_path, database_url, bucket_url) as cluster:
        began, killer = time.monotonic(), Killer(cluster.url, cluster.mortals, SEED, KILLS)
        people = [await a_person(cluster) for _ in range(PEOPLE)]
        arrived = await kill_through(cluster, people, killer)
        print(f"killed {dict(killer.kills)}, {arrived} uploads arrived whole, {time.monotonic() - began:.0f} s")
        await stored_once(database_url, bucket_url, arrived, arrived // COMPRESSED)
        await nothing_is_left(database_url, bucket_url)
        for person in people:
            await person.http.aclose()


async def kill_through(cluster: Cluster, people: list[Api], killer: Killer) -> int:
    """Send fifty files at a time until enough was killed. Returns how many arrived."""
    arrived, under_way = 0, dict[int, Watcher]()
    while not arrived or killer.left:
        numbers = range(arrived, arrived + AT_ONCE)
        sending = (sent_and_watched(people[number % PEOPLE], number, under_way) for number in numbers)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), killer.at_work():
                await asyncio.gather(*sending)
        except TimeoutError:
            left = {number: (watcher.upload_id, watcher.frames[-1:]) for number, watcher in under_way.items()}
            raise AssertionError(f"still under way: {left}\nkilled {killer.kills}\n{cluster.output()}") from None
        arrived += AT_ONCE
    return arrived


async def a_person(cluster: Cluster) -> Api:
    """A signed-in user with connections of their own."""
    return await sign_up(http_client(cluster.url, timeout=60), cluster.sink)
