"""Receives a download by curl into a sparse file, and compares downloads without storing them."""

import shutil
import subprocess
from pathlib import Path

from xxhash import xxh3_128

MIB = 2**20
ZEROS = bytes(MIB)
_CURL = (shutil.which("curl") or "curl", "--silent", "--show-error", "--fail")


def receive(url: str, path: Path, until: int | None = None) -> int:
    """Continue a download with curl where the file ends; kill curl at ``until`` bytes. Returns the size of the file.

    Blocks of zeros become holes, so that the file needs little space.
    """
    with path.open("ab"):
        start = path.stat().st_size
    with path.open("r+b") as file, _curl(url, start) as process:
        assert process.stdout
        file.seek(start)
        while block := process.stdout.read(MIB if until is None else min(MIB, until - file.tell())):
            if block == ZEROS:
                file.seek(MIB, 1)
            else:
                file.write(block)
        file.truncate(file.tell())
        if until is not None:
            process.kill()
        elif process.wait():
            raise OSError(f"curl has failed with {process.returncode}")
    return path.stat().st_size


def resume_with_curl(url: str, path: Path) -> None:
    """Let curl itself continue the download of a file, as a user does."""
    subprocess.run([*_CURL, "-C", "-", "-o", path, url], check=True)


def hash_download(url: str) -> str:
    """The XXH3 of a download in one piece."""
    digest = xxh3_128()
    with _curl(url, 0) as process:
        assert process.stdout
        while block := process.stdout.read(MIB):
            digest.update(block)
        if process.wait():
            raise OSError(f"curl has failed with {process.returncode}")
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """The XXH3 of a file."""
    digest = xxh3_128()
    with path.open("rb", buffering=0) as file:
        while block := file.read(MIB):
            digest.update(block)
    return digest.hexdigest()


def _curl(url: str, start: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*_CURL, "-C", str(start), "-o", "-", url], stdout=subprocess.PIPE, bufsize=4 * MIB)
