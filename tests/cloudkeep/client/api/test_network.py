"""The upload of a file over a network with every kind of fault."""

import itertools
import os
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.uploads import sender
from cloudkeep.client.uploads.file_upload import FileUpload, UploadContext
from cloudkeep.client.uploads.source import Source
from tests.cloudkeep.client.conftest import CHUNK, Watcher, init_upload
from tests.support.faults.proxied_connection import Act, Fault, Way
from tests.support.faults.proxy import Proxy
from tests.support.server import Api, digest

MIDDLE = CHUNK // 2
#: Faults in a request's head, in the middle and near the end of a chunk, and before and in the middle of a response.
FAULTS = [
    Fault(Act.CUT, MIDDLE),
    Fault(Act.RESET, MIDDLE),
    Fault(Act.HALF_CLOSE, MIDDLE),
    Fault(Act.CUT, 0, Way.ANSWER),
    Fault(Act.RESET, 50, Way.ANSWER),
    Fault(Act.HALF_CLOSE, 50, Way.ANSWER),
    Fault(Act.STALL, MIDDLE),
    Fault(Act.STALL, 0, Way.ANSWER),
    Fault(Act.TRICKLE, 0, piece=4096),
    Fault(Act.DUPLICATE),
    Fault(Act.REPEAT),
    Fault(Act.CUT, 40),
    Fault(Act.RESET, CHUNK),
]


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient) -> None:
    """Give the client short timeouts, and let it open enough connections for every fault."""
    client.timeout = httpx.Timeout(2.0)
    monkeypatch.setattr(sender, "CHUNK_TIMEOUT", client.timeout)
    requests = itertools.count()

    async def close_every_other_connection(request: httpx.Request) -> None:
        if next(requests) % 2:
            request.headers["Connection"] = "close"

    client.event_hooks["request"].append(close_every_other_connection)


@pytest.mark.usefixtures("_hurried", "worker")
async def test_a_file_arrives_whole_and_once_through_every_fault(
    context: UploadContext, api: Api, tmp_path: Path, watcher: Watcher, front: Proxy
) -> None:
    path = tmp_path / "film.bin"
    path.write_bytes(os.urandom(40 * CHUNK - 5))
    upload = await init_upload(api, path)
    front.plan(*FAULTS)
    with Source(path) as source:
        file_upload = FileUpload(context, source, watcher)
        state = await file_upload.finish(await file_upload.send())
    assert front.planned == 0
    file = await api.data("query ($id: ID!) { file(id: $id) { sha256 downloadUrl } }", id=state.file_id)
    content = path.read_bytes()
    assert file["sha256"] == digest(content)
    assert (await api.http.get(file["downloadUrl"])).content == content
    assert (await api.look(upload["id"]))["file"]["id"] == state.file_id
    files = await api.data("{ files(first: 10) { nodes { id } } }")
    assert [one["id"] for one in files["nodes"]] == [state.file_id]
