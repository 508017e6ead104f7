"""The output and the exit codes of a container's health check."""

import os
import shutil
from pathlib import Path

import httpx
import pytest

from cloudkeep.cli.healthcheck import api_health, worker_health
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.runtime_file import runtime_file
from cloudkeep.supervisor.worker_identity import claim_worker_name
from tests.support.process import free_port
from tests.support.waiting import eventually


def printed(capsys: pytest.CaptureFixture[str], code: int) -> tuple[int, str]:
    return code, capsys.readouterr().out


async def test_an_api_says_that_it_is_ready_when_nothing_is_away(
    settings: Settings, server: str, worker: None, capsys: pytest.CaptureFixture[str]
) -> None:
    port = httpx.URL(server).port
    here = settings.model_copy(update={"port": port})

    async def all_available() -> bool:
        return printed(capsys, await api_health(here)) == (0, "Ready.\n")

    await eventually(all_available)


async def test_an_api_without_a_worker_is_healthy_and_says_that_it_is_degraded(
    settings: Settings, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    here = settings.model_copy(update={"port": httpx.URL(server).port})
    assert printed(capsys, await api_health(here)) == (0, "Ready, but degraded: worker.\n")


async def test_an_api_without_its_blob_folder_is_not_ready(
    settings: Settings, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(settings.data_dir / "blobs")
    here = settings.model_copy(update={"port": httpx.URL(server).port})
    assert printed(capsys, await api_health(here)) == (1, "Not ready: blobs, worker.\n")


async def test_an_api_that_is_not_running_is_not_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    settings = Settings(data_dir=tmp_path, port=port)
    assert printed(capsys, await api_health(settings)) == (
        1,
        f"No answer on port {port} for the data folder {tmp_path}.\n",
    )


async def test_an_api_on_another_port_is_found_by_its_data_folder(
    settings: Settings, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with runtime_file(settings.data_dir, server):
        assert printed(capsys, await api_health(settings)) == (0, "Ready, but degraded: worker.\n")


async def test_a_worker_without_a_heartbeat_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(data_dir=tmp_path)
    with claim_worker_name(tmp_path) as one, claim_worker_name(tmp_path) as two:
        assert printed(capsys, await worker_health(settings)) == (0, f"Running: {one.text}, {two.text}.\n")
        os.utime(tmp_path / "workers" / f"{two.text}.lock", (0, 0))
        assert printed(capsys, await worker_health(settings)) == (1, f"No heartbeat for more than 15 s: {two.text}.\n")
