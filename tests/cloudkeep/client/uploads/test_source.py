"""Reading a file while it is sent."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudkeep.client.errors import SourceChanged, SourceError
from cloudkeep.client.uploads.source import BLOCK_SIZE, HASH_STEP, Digests, Source
from tests.support.server import digest


@pytest.fixture
def content() -> bytes:
    """More bytes than two threads hash at a time."""
    return os.urandom(2 * HASH_STEP + 77)


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    """A file with the content."""
    path = tmp_path / "some file"
    path.write_bytes(content)
    return path


async def test_the_whole_file_is_hashed_and_progress_ends_at_its_size(path: Path, content: bytes) -> None:
    reports: list[int] = []
    with Source(path) as source:
        assert (await source.digests(len(content), reports.append)).whole == digest(content)
    assert reports == [HASH_STEP, 2 * HASH_STEP, len(content)]


async def test_every_chunk_is_hashed_with_the_whole_file(path: Path, content: bytes) -> None:
    with Source(path) as source:
        digests = await source.digests(1_000_000, lambda _: None)
    chunks = [content[start : start + 1_000_000] for start in range(0, len(content), 1_000_000)]
    assert digests == Digests(digest(content), 1_000_000, [digest(chunk) for chunk in chunks])


async def test_a_range_is_hashed_and_read_in_bounded_blocks(path: Path, content: bytes) -> None:
    offset, size = 1234, 3 * BLOCK_SIZE + 5
    with Source(path) as source:
        blocks = [block async for block in source.blocks(offset, size)]
        assert (await source.sha256_of(offset, size)).hex() == digest(content[offset : offset + size])
    assert b"".join(blocks) == content[offset : offset + size]
    assert max(map(len, blocks)) == BLOCK_SIZE


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _touch(path: Path) -> None:
    os.utime(path, ns=(0, 0))


def _truncate(path: Path) -> None:
    os.truncate(path, 10)


@pytest.mark.parametrize("change", [_append, _touch, _truncate])
async def test_a_file_that_changes_is_an_error(path: Path, change: Callable[[Path], None]) -> None:
    with Source(path) as source:
        change(path)
        with pytest.raises(SourceChanged):
            await source.digests(BLOCK_SIZE, lambda _: None)
        with pytest.raises(SourceChanged):
            [block async for block in source.blocks(0, source.size)]


async def test_a_file_can_be_read_after_it_is_replaced_or_deleted(path: Path, content: bytes) -> None:
    with Source(path) as source:
        path.unlink()
        path.write_bytes(b"another one")
        assert (await source.digests(BLOCK_SIZE, lambda _: None)).whole == digest(content)


def _missing(path: Path) -> None:
    pass


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_missing, "No such file or directory"),
        (Path.mkdir, "is a folder; name the files in it"),
        (_pipe, "not a regular file"),
        (_loop, "Too many levels of symbolic links"),
    ],
)
def test_a_path_that_cannot_be_uploaded_is_an_error_with_a_reason(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "it")
    with pytest.raises(SourceError, match=f"^{reason}$"):
        Source(tmp_path / "it")


def test_a_path_with_a_null_byte_is_refused() -> None:
    with pytest.raises(SourceError, match=r"^not a path$"):
        Source(Path("a\0b"))
