"""The form parser, with every form and every split of it by a network. A failure names its seed."""

import itertools
import random
from collections.abc import Iterable, Iterator

import pytest

from endpoints.chunks.multipart import MAX_OVERHEAD, MultipartChunk
from services.core.errors import CloudKeepError
from tests.endpoints.wire import BOUNDARY, FORM_TYPE, field, form
from tests.support.seeds import SEED_OF_THIS_RUN
from tests.support.server import digest

CHUNK = b"the\r\n\r\nbytes"
DIGEST = digest(CHUNK)
FILE = field("chunk", CHUNK, "blob")
PLAIN = form(FILE)
FULL = form(field("note", b"1"), FILE, field("sha256", DIGEST.encode()), field("empty", b""))

Outcome = tuple[bytes, str | None] | str


def parse(pieces: Iterable[bytes], size: int = len(CHUNK), content_type: str = FORM_TYPE) -> Outcome:
    """The chunk and its digest, or the code of the refusal."""
    try:
        parser = MultipartChunk(content_type, size)
        chunk = b"".join([parser.feed(piece) for piece in pieces])
        return chunk, parser.close()
    except CloudKeepError as error:
        return error.code.value


def single_bytes(body: bytes) -> Iterator[bytes]:
    return (body[at : at + 1] for at in range(len(body)))


def random_pieces(body: bytes, rng: random.Random) -> Iterator[bytes]:
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(rng.randrange(8)))
    return (body[start:end] for start, end in itertools.pairwise([0, *cuts, len(body)]))


@pytest.fixture(params=[*range(20), SEED_OF_THIS_RUN])
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Twenty fixed seeds, and one that is new in every run; it is part of the test's name."""
    return random.Random(request.param)


@pytest.mark.parametrize("body", [PLAIN, FULL], ids=["plain", "full"])
def test_a_form_may_come_at_once_or_byte_by_byte(body: bytes) -> None:
    expected = (CHUNK, DIGEST if body is FULL else None)
    assert parse([body]) == parse(single_bytes(body)) == expected


@pytest.mark.parametrize("body", [PLAIN, FULL], ids=["plain", "full"])
def test_a_form_may_be_cut_in_two_anywhere(body: bytes) -> None:
    whole = parse([body])
    assert all(parse([body[:at], body[at:]]) == whole for at in range(len(body)))


@pytest.mark.parametrize("body", [PLAIN, FULL], ids=["plain", "full"])
def test_a_form_that_ends_early_is_refused_wherever_it_ends(body: bytes) -> None:
    complete = len(body) - len(b"\r\n")
    assert all(isinstance(parse([body[:at]]), str) for at in range(complete))
    assert parse([body[:complete]]) == parse([body])


@pytest.mark.parametrize("by", [-3, -2, -1, 1, 2, 3])
def test_a_file_of_another_size_is_refused(by: int) -> None:
    assert parse([FULL], len(CHUNK) + by) == "CHUNK_SIZE_MISMATCH"


@pytest.mark.parametrize(
    "content_type",
    [
        f'multipart/form-data; boundary="{BOUNDARY}"',
        f"multipart/form-data;charset=utf-8;BOUNDARY={BOUNDARY}",
        f'multipart/form-data; x="; boundary=other"; boundary={BOUNDARY}',
    ],
)
def test_the_boundary_is_found_however_it_is_written(content_type: str) -> None:
    assert parse([PLAIN], content_type=content_type) == (CHUNK, None)


def test_a_quoted_boundary_may_hold_what_a_token_may_not() -> None:
    body = PLAIN.replace(BOUNDARY.encode(), b"a b;c=d")
    assert parse([body], content_type='multipart/form-data; boundary="a b;c=d"') == (CHUNK, None)


@pytest.mark.parametrize(
    "content_type",
    ["", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=ä", "boundary=a"],
)
def test_a_content_type_without_a_usable_boundary_is_refused(content_type: str) -> None:
    assert parse([PLAIN], content_type=content_type) == "MALFORMED_REQUEST"


@pytest.mark.parametrize(
    "disposition",
    [
        'form-data; name="chunk"; filename="a.mp4"',
        "form-data; name=chunk",
        'form-data; filename="; name=other"; name="chunk"',
        'form-data; filename="a \\"quoted\\" name"; name="chunk"',
        'form-data; name="chunk"; filename="C:\\"',
        "form-data; name=\"chunk\"; filename*=UTF-8''%e2%82%ac",
        "form-data; NAME=chunk",
    ],
)
def test_the_file_part_is_found_however_its_disposition_is_written(disposition: str) -> None:
    body = PLAIN.replace(b'form-data; name="chunk"; filename="blob"', disposition.encode())
    assert parse([body]) == (CHUNK, None)


@pytest.mark.parametrize(
    "disposition",
    ["", "form-data", 'form-data; name="file"', 'form-data; name=""', 'form-data; filename="; name=chunk"', "chunk"],
)
def test_a_file_part_named_otherwise_is_refused(disposition: str) -> None:
    body = PLAIN.replace(b'form-data; name="chunk"; filename="blob"', disposition.encode())
    assert parse([body]) == "MALFORMED_REQUEST"


def test_other_headers_of_the_part_are_skipped_whatever_their_case() -> None:
    body = PLAIN.replace(b"Content-Disposition", b"Content-Type: video/mp4\r\nX:\r\ncontent-DISPOSITION")
    assert parse([body]) == (CHUNK, None)


@pytest.mark.parametrize("around", [MAX_OVERHEAD + 1, 40 * MAX_OVERHEAD])
@pytest.mark.parametrize("place", [[field("note", b"%s"), FILE], [FILE, field("note", b"%s")]], ids=["head", "tail"])
def test_what_stands_around_the_file_is_bounded_however_it_comes(place: list[bytes], around: int) -> None:
    body = form(*place).replace(b"%s", b"x" * around)
    outcomes = {parse([body]), parse(body[at : at + 1_000] for at in range(0, len(body), 1_000))}
    assert outcomes <= {"MALFORMED_REQUEST", "CHUNK_SIZE_MISMATCH"}
    assert len(outcomes) == 1


def test_bytes_around_the_form_are_refused_before_it_and_ignored_behind_it() -> None:
    assert parse([b"preamble\r\n" + PLAIN]) == "MALFORMED_REQUEST"
    assert parse([PLAIN + b"epilogue"]) == (CHUNK, None)


def test_random_forms_give_back_their_chunk_however_they_are_cut(rng: random.Random) -> None:
    for _ in range(20):
        chunk = random_chunk(rng)
        declared = rng.choice([None, digest(chunk)])
        body = random_form(rng, chunk, declared)
        assert parse(random_pieces(body, rng), len(chunk)) == (chunk, declared)


def test_damaged_forms_are_judged_the_same_however_they_are_cut(rng: random.Random) -> None:
    for _ in range(20):
        chunk = random_chunk(rng)
        body = damaged(random_form(rng, chunk, digest(chunk)), rng)
        whole = parse([body], len(chunk))
        assert parse(single_bytes(body), len(chunk)) == parse(random_pieces(body, rng), len(chunk)) == whole
        assert isinstance(whole, str) or stands_alone(whole[0], body, len(chunk))


def random_chunk(rng: random.Random) -> bytes:
    """Bytes that sometimes look like the end of a part."""
    words = [b"\r\n", b"--", BOUNDARY.encode(), b"\r\n--" + BOUNDARY.encode(), b"\r\n\r\n", FILE, rng.randbytes(9)]
    return b"".join(rng.choices(words, k=rng.randrange(1, 12)))


def random_form(rng: random.Random, chunk: bytes, declared: str | None) -> bytes:
    parts = [field("note", rng.randbytes(rng.randrange(3)).replace(b"-", b"")) for _ in range(rng.randrange(3))]
    parts += [] if declared is None else [field("sha256", declared.encode())]
    rng.shuffle(parts)
    parts.insert(rng.randrange(len(parts) + 1), field("chunk", chunk, "blob"))
    return form(*parts)


def damaged(body: bytes, rng: random.Random) -> bytes:
    """The body with a few pieces replaced."""
    for _ in range(rng.randrange(1, 4)):
        at, end = sorted(rng.randrange(len(body) + 1) for _ in range(2))
        end = min(end, at + rng.randrange(6))
        body = body[:at] + rng.choice([b"", b"\r\n", b"\r\n\r\n", b"--", b'"', rng.randbytes(3)]) + body[end:]
    return body


def stands_alone(chunk: bytes, body: bytes, size: int) -> bool:
    """Whether the chunk stands in the body between the end of a head and a boundary."""
    return len(chunk) == size and b"\r\n\r\n" + chunk + b"\r\n--" + BOUNDARY.encode() in body
