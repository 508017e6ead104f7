"""Download a zip file of many GiB, cut it in the middle, resume it, and test it. See docs/performance.md."""

import argparse
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from bench.clients.user import User
from bench.contenders.cloudkeep import API, CloudKeep
from bench.harness.command import Result, create_parser, integer, markdown_table, parse, report_progress, run
from bench.harness.server import free_port, running
from bench.zips.receiving import hash_download, hash_file, receive, resume_with_curl
from bench.zips.rows import add_files
from services.core.ids import Prefix, decode

T = TypeVar("T")

MIB, GIB = 2**20, 2**30
ROOT = "{ root { id } }"
CREATE = """mutation ($id: ID!) { createZip(input: {itemIds: [$id]}) {
  zip { size download { url } } userErrors { message } } }"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.zips", __doc__)
    parser.add_argument("--mib", type=integer(4, 200 * 1024), default=50 * 1024, help="of all files together")
    parser.add_argument("--files", type=integer(1, 1_000), default=8)
    parser.add_argument("--tail-mib", type=integer(1, 4 * 1024), default=1024, help="stored without holes")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    contender, data = CloudKeep(), folder / "data"
    data.mkdir()
    seconds: dict[str, float] = {}
    with running(contender.launch(data, port := free_port()), data, port) as server:
        user = User.sign_up(server)
        root = user.execute(ROOT)["id"]
        account_id = decode(Prefix.FOLDER, root)
        assert account_id
        add_files(data, account_id, options.files, options.mib * MIB // options.files)
        made = user.execute(CREATE, id=root)["zip"]
        url, size, path = made["download"]["url"], int(made["size"]), folder / "drive.zip"
        server.forget_peaks()
        before = server.peak_bytes()[API]
        whole = _timed(seconds, "in one piece", lambda: hash_download(url))
        _timed(seconds, "to the cut", lambda: receive(url, path, size // 2))
        tail = size - min(options.tail_mib * MIB, size // 4)
        _timed(seconds, "resumed", lambda: receive(url, path, tail))
        _timed(seconds, "the last part, by curl -C -", lambda: resume_with_curl(url, path))
        peak = server.peak_bytes()[API]
    report_progress("downloaded; tested now")
    is_same = _timed(seconds, "compared", lambda: hash_file(path)) == whole and path.stat().st_size == size
    tested = _timed(seconds, "tested", lambda: _test(path))
    rows = [(name, f"{value:.1f}") for name, value in seconds.items()]
    text = f"{size / GIB:.2f} GiB; API process {before / MIB:.0f} MiB before, {peak / MIB:.0f} MiB at most; "
    text += f"{size / MIB / seconds['in one piece']:.0f} MiB/s; resumed to the same bytes: {is_same}; {tested}\n\n"
    content = {"size": size, "seconds": seconds, "peak_bytes": {"before": before, "after": peak}}
    return Result(
        text + markdown_table({"step": False, "seconds": True}, rows), {**content, "same": is_same, "tested": tested}
    )


def _timed(seconds: dict[str, float], name: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = work()
    seconds[name] = time.perf_counter() - start
    report_progress(f"{name}: {seconds[name]:.1f} s")
    return result


def _test(path: Path) -> dict[str, bool]:
    """Whether other programs find the zip file in order."""
    with zipfile.ZipFile(path) as archive:
        tested = {"zipfile": archive.testzip() is None}
    if unzip := shutil.which("unzip"):
        tested["unzip"] = subprocess.run([unzip, "-tqq", path], check=False).returncode == 0
    return tested


if __name__ == "__main__":
    sys.exit(main())
