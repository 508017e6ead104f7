"""The folder of the credentials: only its user reads it, and a crash damages nothing."""

import os
import stat
import threading
from pathlib import Path

import pytest

from cloudkeep.client.credentials.private_folder import PrivateFolder, config_folder
from cloudkeep.client.errors import CredentialsError

NAME = "credentials.json"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_and_its_folder_are_private_whatever_the_umask_is(folder: PrivateFolder) -> None:
    before = os.umask(0)
    try:
        folder.write(NAME, b"secret")
    finally:
        os.umask(before)
    assert (_mode(folder.path / NAME), _mode(folder.path)) == (0o600, 0o700)
    assert folder.read(NAME) == b"secret"


def test_a_file_that_does_not_exist_is_none_and_no_folder_is_made(folder: PrivateFolder) -> None:
    assert folder.read(NAME) is None
    assert not folder.path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_can_use_is_refused_with_the_command_that_helps(folder: PrivateFolder, mode: int) -> None:
    folder.write(NAME, b"secret")
    (folder.path / NAME).chmod(mode)
    with pytest.raises(CredentialsError, match=rf"mode is {mode:04o}.*chmod 600 {folder.path}/{NAME}$"):
        folder.read(NAME)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o720])
def test_a_folder_in_which_others_can_write_is_refused(folder: PrivateFolder, mode: int) -> None:
    folder.write(NAME, b"secret")
    folder.path.chmod(mode)
    for use in (lambda: folder.read(NAME), lambda: folder.write(NAME, b"new"), lambda: folder.open_lock("lock")):
        with pytest.raises(CredentialsError, match=rf"chmod 700 {folder.path}$"):
            use()


def test_a_file_or_folder_of_another_user_is_refused(folder: PrivateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write(NAME, b"secret")
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(CredentialsError, match=f"belongs to the user with the ID {owner}, so it is not used$"):
        folder.read(NAME)
    with pytest.raises(CredentialsError, match="belongs to the user"):
        folder.write(NAME, b"new")


def test_a_link_in_place_of_the_file_is_neither_read_nor_followed(folder: PrivateFolder, tmp_path: Path) -> None:
    (target := tmp_path / "target").write_text("theirs")
    target.chmod(0o600)
    folder.write("other", b"")
    (folder.path / NAME).symlink_to(target)
    with pytest.raises(CredentialsError, match=r"is a symbolic link, so it is not used; remove it$"):
        folder.read(NAME)
    folder.write(NAME, b"ours")
    assert target.read_text() == "theirs"
    assert folder.read(NAME) == b"ours"


@pytest.mark.parametrize("name", [f"{NAME}.new", "credentials.lock"])
def test_a_link_in_place_of_a_temporary_or_a_lock_file_is_not_followed(
    folder: PrivateFolder, tmp_path: Path, name: str
) -> None:
    folder.write("other", b"")
    (folder.path / name).symlink_to(target := tmp_path / "target")
    if name.endswith(".lock"):
        with pytest.raises(CredentialsError, match="is a symbolic link"):
            folder.open_lock(name)
    else:
        folder.write(NAME, b"ours")
    assert not target.exists()


def test_a_link_to_a_folder_of_the_users_own_is_used(folder: PrivateFolder, tmp_path: Path) -> None:
    (own := tmp_path / "dotfiles").mkdir(mode=0o700)
    folder.path.parent.mkdir()
    folder.path.symlink_to(own)
    folder.write(NAME, b"secret")
    assert (own / NAME).read_bytes() == folder.read(NAME) == b"secret"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_something_other_than_a_file_is_refused_at_once(folder: PrivateFolder, make: type) -> None:
    folder.write("other", b"")
    make(folder.path / NAME)
    with pytest.raises(CredentialsError):
        folder.read(NAME)


def test_what_a_crash_left_behind_does_not_stop_the_next_write(folder: PrivateFolder) -> None:
    folder.write(NAME, b"old")
    (folder.path / f"{NAME}.new").write_bytes(b"half")
    assert folder.read(NAME) == b"old"
    folder.write(NAME, b"new")
    assert folder.read(NAME) == b"new"
    assert sorted(path.name for path in folder.path.iterdir()) == [NAME]


def test_a_lock_lets_one_in_at_a_time(folder: PrivateFolder) -> None:
    total = 0

    def count() -> None:
        nonlocal total
        for _ in range(50):
            with folder.locked("lock"):
                seen = total
                os.sched_yield()
                total = seen + 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == 200


@pytest.mark.parametrize(
    ("configured", "place"),
    [
        ("/etc/mine", "/etc/mine/cloudkeep"),
        ("relative", "/home/ada/.config/cloudkeep"),
        ("", "/home/ada/.config/cloudkeep"),
    ],
)
def test_the_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch, configured: str, place: str) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_CONFIG_HOME", configured)
    assert config_folder() == Path(place)
