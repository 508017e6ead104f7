from pathlib import Path

from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.process_specs import server_processes


def test_api_processes_share_the_listener_and_workers_do_not_get_it(tmp_path: Path) -> None:
    *apis, first, second = server_processes(Settings(data_dir=tmp_path, workers=3, job_workers=2), 7)
    assert [(api.name, api.command[-2:], api.pass_fds) for api in apis] == [
        (f"api-{number}", ("api", "7"), (7,)) for number in (1, 2, 3)
    ]
    assert [(worker.name, worker.command[-1], worker.pass_fds) for worker in (first, second)] == [
        (f"worker-{number}", "worker", ()) for number in (1, 2)
    ]
    with apis[0].scoped_environment() as one, first.scoped_environment() as other:
        assert [each["PROMETHEUS_MULTIPROC_DIR"] for each in (one, other)] == [f"{tmp_path}/metrics"] * 2
        assert [each["PROMETHEUS_MULTIPROC_SLOT"] for each in (one, other)] == ["1", "2"]


def test_a_server_can_run_without_workers(tmp_path: Path) -> None:
    assert [child.name for child in server_processes(Settings(data_dir=tmp_path, job_workers=0), 7)] == ["api-1"]
