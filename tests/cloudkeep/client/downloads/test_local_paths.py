"""Where downloads are stored."""

from pathlib import Path

import pytest

from cloudkeep.client.downloads.local_paths import destination, require_folder, require_safe_name, whole_drive
from cloudkeep.client.errors import ItemFailed, UsageError


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0b"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ItemFailed, match="cannot be the name of a local file"):
        require_safe_name(name, "/place")


@pytest.mark.parametrize("name", ["a", "...", ".hidden", "-rf", "a\nb", "a\\b", "~"])
def test_any_other_name_is_kept(name: str) -> None:
    assert require_safe_name(name, "/place") == name


def test_a_symbolic_link_is_no_target_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(ItemFailed, match="is a symbolic link here"):
        require_folder(tmp_path / "link")


def test_a_folder_is_made_or_kept_and_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    require_folder(tmp_path / "new")
    require_folder(tmp_path / "new")
    (tmp_path / "file").touch()
    with pytest.raises(ItemFailed, match=f"{tmp_path}/file: File exists"):
        require_folder(tmp_path / "file")


def test_a_download_goes_into_a_folder_or_to_a_new_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert destination("a", "/a", None) == Path("a")
    assert destination("a", "/a", str(tmp_path)) == tmp_path / "a"
    assert destination("a", "/a", str(tmp_path / "new")) == tmp_path / "new"


@pytest.mark.parametrize(("target", "named"), [("missing/", "missing/"), ("missing/new", "missing")])
def test_a_missing_folder_is_named(target: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ItemFailed, match=f"^{named}: there is no such folder here"):
        destination("a", "/a", target)


def test_a_target_that_is_too_long_is_no_folder() -> None:
    assert destination("a", "/a", "x" * 300) == Path("x" * 300)
    with pytest.raises(ItemFailed, match=r"^x+: there is no such folder here"):
        destination("a", "/a", f"{'x' * 300}/new")


def test_the_whole_drive_needs_a_folder(tmp_path: Path) -> None:
    assert whole_drive(str(tmp_path / "new")) == tmp_path / "new"
    with pytest.raises(UsageError):
        whole_drive(None)
