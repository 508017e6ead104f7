"""Public IDs: the cases of TypeID's specification (valid.yml and invalid.yml), and what is ours."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis.strategies import text, uuids

from services.core.errors import NotFound
from services.core.ids import ALPHABET, Prefix, decode, encode, encode_slot, prefix_of, require_key

VALID = {
    "00000000000000000000000000": "00000000-0000-0000-0000-000000000000",
    "00000000000000000000000001": "00000000-0000-0000-0000-000000000001",
    "0000000000000000000000000a": "00000000-0000-0000-0000-00000000000a",
    "0000000000000000000000000g": "00000000-0000-0000-0000-000000000010",
    "00000000000000000000000010": "00000000-0000-0000-0000-000000000020",
    "7zzzzzzzzzzzzzzzzzzzzzzzzz": "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0123456789abcdefghjkmnpqrs": "0110c853-1d09-52d8-d73e-1194e95b5f19",
    "01h455vb4pex5vsknk084sn02q": "01890a5d-ac96-774b-bcce-b302099a8057",
}
INVALID = [
    "UPLOAD_00000000000000000000000000",
    "file_00000000000000000000000000",
    "_00000000000000000000000000",
    "00000000000000000000000000",
    "upload00000000000000000000000000",
    "upload_",
    "upload_1234567890123456789012345",
    "upload_123456789012345678901234567",
    "upload_1234567890123456789012345 ",
    "upload_0123456789ABCDEFGHJKMNPQRS",
    "upload_123456789-123456789-123456",
    "upload_ooooooiiiiiiuuuuuuulllllll",
    "upload_i23456789ol23456789oi23456",
    "upload_8zzzzzzzzzzzzzzzzzzzzzzzzz",
    "upload__00000000000000000000000000",
    "upload_0000000000000000000000000\u0660",
    "01890a5d-ac96-774b-bcce-b302099a8057",
    "",
    "_",
]


@pytest.mark.parametrize(("suffix", "key"), VALID.items())
def test_an_id_is_the_one_of_the_specification(suffix: str, key: str) -> None:
    assert encode(Prefix.UPLOAD, UUID(key)) == f"upload_{suffix}"
    assert decode(Prefix.UPLOAD, f"upload_{suffix}") == UUID(key)


@pytest.mark.parametrize("wrong", INVALID)
def test_text_that_is_no_id_of_the_type_has_no_key(wrong: str) -> None:
    assert decode(Prefix.UPLOAD, wrong) is None
    with pytest.raises(NotFound, match="no such upload") as refusal:
        require_key(Prefix.UPLOAD, wrong, field="uploadId")
    assert refusal.value.field == "uploadId"


@given(uuids())
def test_every_key_survives(key: UUID) -> None:
    for prefix in Prefix:
        assert require_key(prefix, encode(prefix, key)) == key


@given(uuids(), uuids())
def test_ids_sort_as_their_keys_do(one: UUID, other: UUID) -> None:
    assert (encode(Prefix.FILE, one) < encode(Prefix.FILE, other)) == (one.int < other.int)


@given(text(alphabet=ALPHABET + "ilou_U8", max_size=40))
def test_no_text_makes_decoding_fail(suffix: str) -> None:
    key = decode(Prefix.FILE, f"file_{suffix}")
    assert key is None or encode(Prefix.FILE, key) == f"file_{suffix}"


def test_an_id_says_its_type() -> None:
    assert prefix_of("session_01h455vb4pex5vsknk084sn02q") is Prefix.SESSION
    assert [prefix_of(unknown) for unknown in ("", "x_y", "session", "Session_0")] == [None] * 4


def test_a_slot_has_an_id_of_its_own() -> None:
    assert encode_slot(UUID(int=1), 12) == "slot_00000000000000000000000001_12"
