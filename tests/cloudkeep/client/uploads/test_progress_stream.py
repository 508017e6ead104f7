"""Following the progress of an upload over Server-Sent Events."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from cloudkeep.client.display.progress import StageProgress
from cloudkeep.client.errors import TransferFailed
from cloudkeep.client.uploads.file_upload import UploadContext
from cloudkeep.client.uploads.progress_stream import ProgressStream, stage_progress
from cloudkeep.client.uploads.uploads import init_input
from cloudkeep.settings.settings import Settings
from services.budgets.errors import RateLimited
from services.media.types import Compression, CompressionPreset
from tests.cloudkeep.client.conftest import QUICK, Watcher, digests_of, init_upload, working
from tests.support.clips import bikes
from tests.support.faults.proxy import Proxy
from tests.support.server import Api

FAST = Compression(CompressionPreset.FAST, 144)


async def _sent_video(api: Api) -> str:
    content = bikes().read_bytes()
    upload = await api.upload(content, **init_input("bikes.mp4", len(content), digests_of(content, len(content)), FAST))
    return str(upload["id"])


async def test_every_stage_is_shown_until_the_end(
    context: UploadContext, api: Api, watcher: Watcher, worker: None, settings: Settings
) -> None:
    upload_id = await _sent_video(api)
    await ProgressStream(context.session, upload_id, watcher, QUICK).follow()
    assert watcher.stages[-1] == "Compressing"
    assert (await api.look(upload_id))["status"] == "READY"


async def test_a_lost_connection_is_opened_again(
    context: UploadContext, api: Api, watcher: Watcher, front: Proxy, settings: Settings
) -> None:
    upload_id = await _sent_video(api)
    cuts = iter([front.cut, front.cut])
    watcher.on_show = lambda _: next(cuts, lambda: None)()
    async with working(settings):
        await ProgressStream(context.session, upload_id, watcher, QUICK).follow()
    assert watcher.notes
    assert set(watcher.notes) == {f"the connection to {front.url} was lost; trying again"}
    assert (await api.look(upload_id))["status"] == "READY"


async def test_a_stream_that_the_budget_ended_is_resumed_after_the_wait(
    context: UploadContext,
    api: Api,
    watcher: Watcher,
    worker: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cursors: list[object] = []

    async def refuse(*_: object) -> None:
        raise RateLimited("There are too few points.", layer="account", retry_after=0.01)

    def noting(document: str, **variables: object) -> AsyncGenerator[Any, None]:
        cursors.append(variables["after"])
        return subscribe(document, **variables)

    subscribe = context.session.subscribe
    monkeypatch.setattr(context.session, "subscribe", noting)
    monkeypatch.setattr("resolvers.operations.pay_frame", refuse)
    monkeypatch.setattr("schema.execution.frames.MAX_WAIT_SECONDS", 0.0)
    upload_id = await _sent_video(api)
    await ProgressStream(context.session, upload_id, watcher, QUICK).follow()
    assert watcher.notes
    assert set(watcher.notes) == {"the server limits how much you may send; waiting as long as it asks"}
    assert cursors[0] is None
    assert all(cursors[1:])
    assert (await api.look(upload_id))["status"] == "READY"


async def test_following_fails_if_the_server_stays_away(
    context: UploadContext, api: Api, watcher: Watcher, front: Proxy
) -> None:
    upload_id = await _sent_video(api)

    def leave(_: StageProgress) -> None:
        front.open = False
        front.cut()

    watcher.on_show = leave
    with pytest.raises(TransferFailed, match="was lost; gave up after 8 tries"):
        await ProgressStream(context.session, upload_id, watcher, QUICK).follow()


async def test_an_upload_that_waits_for_chunks_is_not_followed(
    context: UploadContext, api: Api, watcher: Watcher, file: Path
) -> None:
    await ProgressStream(context.session, (await init_upload(api, file))["id"], watcher, QUICK).follow()
    assert watcher.shown == []


@pytest.mark.parametrize(
    ("stage", "speed", "shown"),
    [
        ("REASSEMBLING", 2_500_000.0, StageProgress("Verifying", 50.0, speed="2.5 MB/s", eta_seconds=61.0)),
        ("COMPRESSING", 2.54, StageProgress("Compressing", 50.0, speed="2.5x", eta_seconds=61.0)),
        ("COMPRESSING", None, StageProgress("Compressing", 50.0, speed="", eta_seconds=61.0)),
        ("THUMBNAILING", None, StageProgress("Thumbnailing", 50.0, speed="", eta_seconds=61.0)),
    ],
)
def test_an_event_is_shown_with_its_own_unit_of_speed(stage: str, speed: float | None, shown: StageProgress) -> None:
    assert stage_progress({"stage": stage, "percent": 50.0, "speed": speed, "etaSeconds": 61.0}) == shown
