from pathlib import Path

from cloudkeep.fleet import server_children, worker_name
from cloudkeep.settings import Settings


def test_the_api_processes_share_the_listener_and_one_worker_does_the_work(tmp_path: Path) -> None:
    *apis, worker = server_children(Settings(data_dir=tmp_path, workers=3), 7)
    assert [(api.name, api.command[-2:], api.pass_fds) for api in apis] == [
        (f"api-{number}", ("api", "7"), (7,)) for number in (1, 2, 3)
    ]
    assert (worker.name, worker.command[-1], worker.pass_fds) == ("worker-1", "worker", ())
    assert {api.environment["PROMETHEUS_MULTIPROC_DIR"] for api in apis} == {f"{tmp_path}/metrics"}


def test_a_workers_name_outlives_restarts_and_differs_between_data_folders() -> None:
    assert worker_name(Path("/a")) == worker_name(Path("/a"))
    assert worker_name(Path("/a")) != worker_name(Path("/b"))


def test_a_generated_worker_name_is_a_valid_setting(tmp_path: Path) -> None:
    name = server_children(Settings(data_dir=tmp_path), 7)[-1].environment["CLOUDKEEP_WORKER_NAME"]
    assert Settings(data_dir=tmp_path, worker_name=name).worker_name == name
