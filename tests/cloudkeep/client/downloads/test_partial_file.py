"""The part of a file that has arrived."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from cloudkeep.client.downloads.partial_file import DiskFull, PartialFile, is_partial
from cloudkeep.client.errors import ItemFailed

CONTENT = b"0123456789"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The path of the download."""
    return tmp_path / "film.mov"


def read_all(part: PartialFile) -> None:
    """Hash what an earlier run left."""
    while part.hash_step():
        pass


def test_a_later_run_goes_on_behind_the_bytes_of_the_first(target: Path) -> None:
    with PartialFile(target, SHA256) as part:
        part.append(CONTENT[:4])
    assert [is_partial(path.name) for path in target.parent.iterdir()] == [True]
    with PartialFile(target, SHA256) as part:
        read_all(part)
        assert (part.size, part.is_intact) == (4, False)
        part.append(CONTENT[4:])
        assert part.is_intact
        part.publish(overwrite=False)
    assert [path.name for path in target.parent.iterdir()] == ["film.mov"]
    assert target.read_bytes() == CONTENT


def test_another_version_of_the_file_starts_at_its_first_byte(target: Path) -> None:
    with PartialFile(target, "0" * 64) as part:
        part.append(b"old")
    with PartialFile(target, SHA256) as part:
        read_all(part)
        assert part.size == 0
        part.append(CONTENT)
        part.publish(overwrite=False)
    assert [path.name for path in target.parent.iterdir()] == ["film.mov"]


def test_a_reset_part_has_no_bytes(target: Path) -> None:
    with PartialFile(target, SHA256) as part:
        part.append(b"wrong bytes, and more of them")
        part.reset()
        part.append(CONTENT)
        assert part.is_intact
        part.publish(overwrite=False)
    assert target.read_bytes() == CONTENT


def test_a_file_that_was_created_meanwhile_is_only_replaced_on_request(target: Path) -> None:
    with PartialFile(target, SHA256) as part:
        part.append(CONTENT)
        target.write_bytes(b"mine")
        with pytest.raises(ItemFailed, match=r"film\.mov: File exists"):
            part.publish(overwrite=False)
        assert target.read_bytes() == b"mine"
        part.publish(overwrite=True)
    assert target.read_bytes() == CONTENT


def test_a_file_system_without_hard_links_is_enough(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with PartialFile(target, SHA256) as part:
        part.append(CONTENT)
        part.publish(overwrite=False)
    assert target.read_bytes() == CONTENT


def test_two_commands_do_not_write_to_one_part(target: Path) -> None:
    with (
        PartialFile(target, SHA256),
        pytest.raises(ItemFailed, match="another command is downloading it"),
        PartialFile(target, SHA256),
    ):
        pass


def test_a_link_in_the_place_of_the_part_is_not_followed(target: Path) -> None:
    (victim := target.with_name("victim")).write_bytes(b"precious")
    with PartialFile(target, SHA256) as part:
        part.append(b"1")
    (left,) = [path for path in target.parent.iterdir() if is_partial(path.name)]
    left.unlink()
    left.symlink_to(victim)
    with pytest.raises(ItemFailed), PartialFile(target, SHA256):
        pass
    assert victim.read_bytes() == b"precious"


def test_a_full_disk_says_that_the_bytes_are_kept(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pwrite(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with PartialFile(target, SHA256) as part:
        monkeypatch.setattr(os, "pwrite", pwrite)
        with pytest.raises(DiskFull, match="No space left on device; what has arrived is kept"):
            part.append(CONTENT)


def test_nothing_is_written_after_the_end_of_the_block(target: Path) -> None:
    with PartialFile(target, SHA256) as part:
        pass
    with pytest.raises(ItemFailed):
        part.append(CONTENT)
