"""The layout of zip files: readable by other programs, and the same bytes whatever part is read."""

import io
import shutil
import stat
import subprocess
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.drive.zips import headers
from services.drive.zips.entries import ZipEntry
from services.drive.zips.layout import BlobPart, ZipLayout

MTIME = 1_700_000_001
BLOBS = {
    "empty": b"",
    "small": b"hello",
    "large": bytes(range(256)) * 40,
}


def file(name: str, key: str = "small", mtime: int = MTIME) -> ZipEntry:
    return ZipEntry(name, len(BLOBS[key]), zlib.crc32(BLOBS[key]), mtime, key)


def folder(name: str) -> ZipEntry:
    return ZipEntry(name, 0, 0, MTIME, None)


def read(layout: ZipLayout, start: int = 0, length: int | None = None, blobs: Mapping[str, bytes] = BLOBS) -> bytes:
    """A range of a zip file."""
    parts = layout.parts(start, layout.size - start if length is None else length)
    return b"".join(
        blobs[part.key][part.offset : part.offset + part.length] if isinstance(part, BlobPart) else part
        for part in parts
    )


entry_keys = st.sampled_from(sorted(BLOBS))
times = st.integers(-(2**40), 2**40)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=20)


@st.composite
def trees(draw: st.DrawFn) -> list[ZipEntry]:
    """Files and folders with different paths."""
    paths = draw(st.lists(st.lists(names, min_size=1, max_size=4).map("/".join), max_size=8, unique=True))
    kinds = draw(st.lists(st.booleans(), min_size=len(paths), max_size=len(paths)))
    return [
        folder(f"{path}/") if is_folder else file(path, draw(entry_keys), draw(times))
        for path, is_folder in zip(paths, kinds, strict=True)
    ]


@settings(max_examples=50)
@given(trees(), st.booleans(), st.data())
def test_every_range_is_a_part_of_the_whole_and_the_whole_is_a_zip_file(
    entries: list[ZipEntry], forced: bool, data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if forced:
            force_zip64(patch)
        layout = ZipLayout(entries)
        whole = read(layout)
        assert len(whole) == layout.size
        for _ in range(5):
            start = data.draw(st.integers(0, layout.size - 1))
            length = data.draw(st.integers(1, layout.size - start))
            assert read(layout, start, length) == whole[start : start + length]
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            assert archive.testzip() is None
            contents = [BLOBS[entry.key or "empty"] for entry in entries]
            assert [info.orig_filename for info in archive.infolist()] == [entry.name for entry in entries]
            assert [archive.read(info) for info in archive.infolist()] == contents


def force_zip64(patch: pytest.MonkeyPatch) -> None:
    """Use the ZIP64 structures for sizes and counts that would not need them."""
    patch.setattr(headers, "ZIP64_SIZE", 3)
    patch.setattr(headers, "ZIP64_COUNT", 2)


SAMPLE = [
    folder("Grüße 📼/"),
    file("Grüße 📼/日本語.txt"),
    file("Grüße 📼/empty", "empty"),
    file("large.bin", "large"),
]


@pytest.mark.skipif(not shutil.which("unzip"), reason="needs unzip")
@pytest.mark.parametrize("forced", [False, True], ids=["plain", "zip64"])
def test_unzip_extracts_it(forced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if forced:
        force_zip64(monkeypatch)
    (tmp_path / "a.zip").write_bytes(read(ZipLayout(SAMPLE)))
    environment = {"LANG": "C.UTF-8", "TZ": "UTC"}
    subprocess.run(["unzip", "-tq", "a.zip"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    subprocess.run(["unzip", "-q", "a.zip", "-d", "out"], cwd=tmp_path, env=environment, check=True)
    extracted = tmp_path / "out" / "Grüße 📼" / "日本語.txt"
    assert extracted.read_bytes() == b"hello"
    assert (tmp_path / "out" / "large.bin").read_bytes() == BLOBS["large"]
    # The extended timestamp has odd seconds; the time of DOS has not.
    assert extracted.stat().st_mtime == MTIME
    assert stat.S_IMODE(extracted.stat().st_mode) == 0o644


def test_names_are_marked_as_utf8_and_contents_as_stored() -> None:
    with zipfile.ZipFile(io.BytesIO(read(ZipLayout(SAMPLE)))) as archive:
        for info in archive.infolist():
            assert (info.flag_bits, info.compress_type) == (0x800, zipfile.ZIP_STORED)
            assert info.is_dir() == info.filename.endswith("/")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(1969, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), (2026, 11, 30, 23, 59, 58)),
        (datetime(2200, 1, 1, tzinfo=UTC), (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_times_that_dos_cannot_show_are_moved_into_its_range(moment: datetime, expected: Sequence[int]) -> None:
    entry = file("name", mtime=int(moment.timestamp()))
    with zipfile.ZipFile(io.BytesIO(read(ZipLayout([entry])))) as archive:
        assert archive.infolist()[0].date_time == tuple(expected)


def test_a_file_of_more_than_4_gib_and_one_behind_it_are_found(tmp_path: Path) -> None:
    size = 5 * 2**30
    entries = [ZipEntry("zeros", size, 0, MTIME, "zeros"), file("behind", "large")]
    layout = ZipLayout(entries)
    path = tmp_path / "sparse.zip"
    with path.open("wb") as target:
        for part in layout.parts(0, layout.size):
            if not isinstance(part, BlobPart):
                target.write(part)
            elif part.key == "zeros":
                target.seek(part.length, 1)
            else:
                target.write(BLOBS[part.key])
    assert path.stat().st_size == layout.size
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("zeros").file_size == size
        assert archive.read("behind") == BLOBS["large"]
    if shutil.which("unzip"):
        listed = subprocess.run(["unzip", "-l", path], capture_output=True, text=True, check=True)
        assert str(size) in listed.stdout
