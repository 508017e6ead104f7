"""The file with the address of the running server of a data folder."""

import json
import os
import socket
from pathlib import Path

import pytest

from cloudkeep.client.running_server import FILE_NAME, find_server, server_url
from cloudkeep.supervisor.runtime_file import local_url, runtime_file

URL = "http://127.0.0.1:8000"


def test_a_server_is_found_for_as_long_as_it_runs(tmp_path: Path) -> None:
    assert find_server(tmp_path) is None
    with runtime_file(tmp_path, URL):
        assert find_server(tmp_path) == URL
        assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert find_server(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_stale_runtime_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps({"url": "http://127.0.0.1:1"}))
    assert find_server(tmp_path) is None
    with runtime_file(tmp_path, URL):
        assert find_server(tmp_path) == URL


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "http://127.0.0.1/path"])
def test_a_file_without_a_base_url_is_ignored(tmp_path: Path, url: str) -> None:
    with runtime_file(tmp_path, url):
        assert find_server(tmp_path) is None


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
STRANGER, SERVICE = 12_345, 12_346


@needs_root
def test_root_believes_the_owner_of_the_data_folder_and_no_other_user(tmp_path: Path) -> None:
    os.chown(tmp_path, SERVICE, -1)
    with runtime_file(tmp_path, URL):
        assert find_server(tmp_path) == URL
        os.chown(tmp_path / FILE_NAME, SERVICE, -1)
        assert find_server(tmp_path) == URL
        os.chown(tmp_path / FILE_NAME, STRANGER, -1)
        assert find_server(tmp_path) is None


def test_neither_a_link_nor_a_named_pipe_is_a_server(tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    with runtime_file(elsewhere, URL):
        (tmp_path / FILE_NAME).symlink_to(elsewhere / FILE_NAME)
        assert find_server(tmp_path) is None
    (tmp_path / FILE_NAME).unlink()
    os.mkfifo(tmp_path / FILE_NAME)
    assert find_server(tmp_path) is None


def test_a_server_starts_where_the_file_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with runtime_file(tmp_path / "missing", URL):
        pass
    assert len(caplog.messages) == 1
    assert "CLOUDKEEP_URL" in caplog.messages[0]


def test_a_server_on_every_address_is_reached_at_loopback() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        assert local_url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_url_of_the_setting_has_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    with runtime_file(tmp_path, URL):
        assert server_url(None) == URL
        assert server_url("https://drive.example.org/") == "https://drive.example.org"
