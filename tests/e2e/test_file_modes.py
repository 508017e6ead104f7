"""Only the user of the server can read what it stores, whatever the umask and the mode of the data folder are."""

import stat
from pathlib import Path

import pytest

from tests.e2e.conftest import sign_up
from tests.support.process import cloudkeep, serving
from tests.support.server import http_client
from tests.support.uploads import Sent, begin, fill, padded_clip, to_the_end

PRIVATE = 0o600
CHUNK = 256 * 1024


def readable_by_others(root: Path) -> list[str]:
    """Everything below a folder that another user could read, write or enter, with its mode."""
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in root.rglob("*")}
    assert len(modes) > 20
    return [f"{path.relative_to(root)} {mode:04o}" for path, mode in modes.items() if mode & 0o077]


@pytest.mark.parametrize("umask", ["022", "000"])
async def test_nothing_in_the_data_folder_can_be_read_by_other_users(
    tmp_path: Path, empty_database: str, umask: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    with_umask = ("/bin/sh", "-c", f'umask {umask}; exec "$@"', "sh")
    # In the data folder, unless it is a PostgreSQL.
    database = {"CLOUDKEEP_DATABASE_URL": empty_database} if empty_database.startswith("postgres") else {}
    with serving(data, None, with_umask, **database) as process:
        async with http_client(process.url, timeout=60) as http:
            person = await sign_up(http, process)
            whole = Sent(padded_clip(CHUNK), "whole.mp4", compress=True, chunk_size=CHUNK)
            await begin(person, whole)
            await to_the_end(person, whole)
            half = Sent(padded_clip(CHUNK), "half.mp4", chunk_size=CHUNK)
            slots = (await begin(person, half))["slots"]["nodes"]
            await fill(person, half, slots[:1])
        assert readable_by_others(data) == []
        for command in ("doctor", "scrub"):
            cloudkeep(command, DATA_DIR=str(data), **{"DATABASE_URL": empty_database} if database else {})
    assert readable_by_others(data) == []
    assert stat.S_IMODE(data.stat().st_mode) == 0o755
