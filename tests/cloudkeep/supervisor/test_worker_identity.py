"""Names of workers: unique among running workers, and used again by later ones."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.worker_identity import claim_worker_name, living_workers

HOLD = "import sys; from pathlib import Path; from cloudkeep.supervisor.worker_identity import claim_worker_name\n"
HOLD += "with claim_worker_name(Path(sys.argv[1])) as name: print(name.text, flush=True); sys.stdin.read()"


def test_no_two_running_workers_of_a_folder_have_the_same_name(tmp_path: Path) -> None:
    with claim_worker_name(tmp_path) as one, claim_worker_name(tmp_path) as two, claim_worker_name(tmp_path) as three:
        assert [two.text, three.text] == [f"{one.text}-2", f"{one.text}-3"]


def test_a_new_worker_gets_the_name_of_one_that_has_ended(tmp_path: Path) -> None:
    with claim_worker_name(tmp_path) as one, claim_worker_name(tmp_path) as two:
        pass
    with claim_worker_name(tmp_path) as next_one, claim_worker_name(tmp_path) as next_two:
        assert (next_one.text, next_two.text) == (one.text, two.text)


def test_the_name_of_a_killed_worker_is_free_at_once(tmp_path: Path) -> None:
    command = (sys.executable, "-c", HOLD, str(tmp_path))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        first = process.stdout.readline().strip()
        with claim_worker_name(tmp_path) as other:
            assert other.text == f"{first}-2"
        process.kill()
        process.wait()
        with claim_worker_name(tmp_path) as replacement:
            assert replacement.text == first


def test_two_data_folders_have_different_worker_names(tmp_path: Path) -> None:
    texts = set()
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        # Two hosts with the same name may have their data folders at the same path.
        with claim_worker_name(folder) as name:
            texts.add(name.text)
    assert len(texts) == 2


def test_workers_with_the_same_configured_name_get_different_names(tmp_path: Path) -> None:
    with claim_worker_name(tmp_path, "encoder") as one, claim_worker_name(tmp_path, "encoder") as two:
        assert (one.text, two.text) == ("encoder", "encoder-2")


def test_a_generated_name_is_a_valid_setting(tmp_path: Path) -> None:
    with claim_worker_name(tmp_path) as name:
        assert Settings(data_dir=tmp_path, worker_name=name.text).worker_name == name.text


def test_only_drafts_of_ended_workers_are_removed(tmp_path: Path) -> None:
    with claim_worker_name(tmp_path) as living:
        (living.scratch / "draft.mp4").touch()
        dead = tmp_path / "scratch" / "another-host"
        dead.mkdir()
        (dead / "draft.mp4").touch()
        with claim_worker_name(tmp_path):
            assert (living.scratch / "draft.mp4").exists()
            assert not dead.exists()
    with claim_worker_name(tmp_path) as again:
        assert (again.text, list(again.scratch.iterdir())) == (living.text, [])


def test_a_workers_name_is_free_while_others_remove_its_drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("encoder", "encoder-2"):
        (tmp_path / "scratch" / name).mkdir(parents=True)
    remove, texts = shutil.rmtree, []

    def come_back(folder: Path, *, ignore_errors: bool) -> None:
        if folder.name != "encoder":
            monkeypatch.undo()
            with claim_worker_name(tmp_path, "encoder") as second:
                texts.append(second.text)
        remove(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", come_back)
    with claim_worker_name(tmp_path, "encoder") as first:
        texts.append(first.text)
        assert {path.name for path in (tmp_path / "scratch").iterdir()} == {"encoder", "encoder-2"}
    assert texts == ["encoder-2", "encoder"]


def test_looking_at_a_name_does_not_claim_it(tmp_path: Path) -> None:
    with claim_worker_name(tmp_path, "encoder"):
        pass
    done = Event()

    def look() -> None:
        while not done.is_set():
            living_workers(tmp_path, "encoder")

    with ThreadPoolExecutor() as threads:
        looking = [threads.submit(look) for _ in range(4)]
        try:
            for _ in range(300):
                with claim_worker_name(tmp_path, "encoder") as name:
                    assert name.text == "encoder"
        finally:
            done.set()
        for each in looking:
            each.result()


def test_the_age_of_each_running_workers_heartbeat_is_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert living_workers(tmp_path) == {}
    with claim_worker_name(tmp_path) as one, claim_worker_name(tmp_path) as two:
        os.utime(tmp_path / "workers" / f"{two.text}.lock", (0, 0))
        seconds = living_workers(tmp_path)
        assert set(seconds) == {one.text, two.text}
        assert seconds[one.text] < 60 < seconds[two.text]
        two.beat()
        assert living_workers(tmp_path)[two.text] < 60
        monkeypatch.setattr("socket.gethostname", lambda: "another-host-with-the-same-folder")
        assert living_workers(tmp_path) == {}
    assert living_workers(tmp_path, one.text) == {}
