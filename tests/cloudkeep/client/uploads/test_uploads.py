"""The client's queries and mutations of an upload."""

from pathlib import Path

import pytest

from cloudkeep.client.errors import RequestRefused, TransferFailed
from cloudkeep.client.uploads.destination import Destination
from cloudkeep.client.uploads.file_upload import UploadContext
from cloudkeep.client.uploads.source import Digests
from cloudkeep.client.uploads.uploads import Slot, Uploads, init_input
from services.drive.errors import TooManyItems
from services.drive.item_allowance import ItemAllowance
from services.media.types import Compression, CompressionPreset
from tests.cloudkeep.client.conftest import CHUNK, QUICK, digests_of, init_upload
from tests.support.server import Api

UNKNOWN = "01900000-0000-7000-8000-000000000000"
HASH = "ab" * 32


@pytest.fixture
def uploads(context: UploadContext) -> Uploads:
    """Uploads of the signed-in user."""
    return Uploads(context.session, QUICK, lambda _: None)


def _key(name: str = "film", size: int = 1, sha256: str = HASH, compress: Compression | None = None) -> object:
    return init_input(name, size, Digests(sha256, CHUNK, []), compress)["idempotencyKey"]


def test_the_same_file_has_the_same_key_however_its_name_is_encoded() -> None:
    assert _key("Caf\u00e9") == _key("Cafe\u0301")


def test_another_name_size_content_or_compression_is_another_upload() -> None:
    fast, small = Compression(CompressionPreset.FAST), Compression(CompressionPreset.SMALL)
    keys = [_key(), _key("other"), _key(size=2), _key(sha256="cd" * 32), _key(compress=fast), _key(compress=small)]
    keys.append(_key(compress=Compression(CompressionPreset.FAST, 480)))
    assert len(set(keys)) == len(keys)


def test_an_upload_that_replaces_has_no_key() -> None:
    replacing = Destination("folder_00000000000000000000000000", conflict="REPLACE")
    assert init_input("film", 1, Digests(HASH, CHUNK, []), None, destination=replacing)["idempotencyKey"] is None


def test_a_slot_does_not_show_its_url() -> None:
    assert "secret" not in repr(Slot(0, 0, 1, "https://drive.example.org/?signature=secret", None))


async def test_an_upload_is_found_again_by_its_key(uploads: Uploads, api: Api, file: Path) -> None:
    existing = await init_upload(api, file)
    new = init_input(file.name, file.stat().st_size, digests_of(file.read_bytes(), CHUNK), None)
    assert (await uploads.init(new)).id == existing["id"]


@pytest.mark.parametrize(("most", "refused"), [(4, 0), (1, 3)])
async def test_folders_beyond_those_of_a_call_are_created_by_the_next_one(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, most: int, refused: int
) -> None:
    monkeypatch.setattr("storage.drive.tree.destinations.MOST_CREATED", most)
    file = {**init_input("file", 1, Digests(HASH, CHUNK, []), None), "chunkHashes": None}
    found = await uploads.init_all(
        [{**file, "relativePath": path, "idempotencyKey": path} for path in ("a/b", "c/d", "e/f")]
    )
    assert [type(each) for each in found].count(RequestRefused) == refused


async def test_files_beyond_those_of_the_account_are_asked_for_once(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    async def refuse(_: object, __: object, new: int = 1, field: str | None = None) -> None:
        calls.append(new)
        raise TooManyItems("You have too many items.", field=field)

    monkeypatch.setattr(ItemAllowance, "require", refuse)
    file = {**init_input("file", 1, Digests(HASH, CHUNK, []), None), "chunkHashes": None}
    found = await uploads.init_all([{**file, "relativePath": path, "idempotencyKey": path} for path in "ab"])
    assert [each.code for each in found if isinstance(each, RequestRefused)] == ["TOO_MANY_ITEMS"] * 2
    assert calls == [2]


async def test_open_slots_come_in_pages_without_those_that_are_filled(
    uploads: Uploads, api: Api, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudkeep.client.uploads.uploads.PAGE_SIZE", 3)
    upload = await init_upload(api, file)
    await api.put(upload["slots"]["nodes"][1], file.read_bytes())
    first = await uploads.missing_slots(upload["id"], None)
    second = await uploads.missing_slots(upload["id"], first.next)
    third = await uploads.missing_slots(upload["id"], second.next)
    assert [[slot.index for slot in page.slots] for page in (first, second, third)] == [[0, 2, 3], [4, 5, 6], [7]]
    assert (first.slots[1].offset, first.slots[1].size, third.next) == (2 * CHUNK, CHUNK, None)


async def test_completing_too_early_returns_the_current_upload(uploads: Uploads, api: Api, file: Path) -> None:
    upload = await init_upload(api, file)
    assert (await uploads.complete(upload["id"])).status == "RECEIVING"


async def test_completing_an_aborted_upload_returns_the_current_upload(uploads: Uploads, api: Api, file: Path) -> None:
    upload = await init_upload(api, file)
    await api.data(
        "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { userErrors { code } } }", id=upload["id"]
    )
    assert (await uploads.complete(upload["id"])).status == "ABORTED"


async def test_a_missing_upload_is_an_error(uploads: Uploads) -> None:
    for work in (uploads.get(UNKNOWN), uploads.missing_slots(UNKNOWN, None)):
        with pytest.raises(TransferFailed, match="the server no longer knows this upload"):
            await work


async def test_a_refusal_has_the_servers_message(uploads: Uploads) -> None:
    with pytest.raises(RequestRefused, match=r"^A size is not negative$") as caught:
        await uploads.init(init_input("film", -1, Digests(HASH, CHUNK, []), None))
    assert caught.value.code == "INVALID_INPUT"


async def test_a_name_that_is_not_valid_unicode_is_refused_by_the_server(uploads: Uploads) -> None:
    with pytest.raises(RequestRefused, match="control characters"):
        await uploads.init(init_input("film-\udc80", 1, Digests(HASH, CHUNK, [HASH]), None))
