"""``python -m page_build``: builds the page, beside a server or by itself, and runs the scripts of ``web/``."""

import argparse
import shutil
import signal
import sys
from pathlib import Path

from page_build.beside import build_beside
from page_build.build import build
from page_build.messages import STARTED, build_failed, say, script_failed
from page_build.places import DIST
from page_build.process import BuildFailed
from page_build.scripts import run_everywhere, run_script

INTERRUPTED = 128 + signal.SIGINT


def main() -> int:
    """Do what the arguments say. The exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell starts its background processes with SIGINT ignored.
        signal.signal(number, signal.default_int_handler)
    arguments = _parser().parse_args()
    try:
        match arguments.command:
            case "beside":
                return build_beside(arguments.server)
            case "check" | "test":
                return run_everywhere(arguments.command)
            case "dev":
                return run_script("dev")
        return _build(arguments.to)
    except BuildFailed as error:
        line = build_failed(error) if arguments.command == "build" else script_failed(error)
        sys.stderr.write(f"{line}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _build(copy: Path | None) -> int:
    say("The page is built." if build(lambda: say(STARTED)) else "The page is built already.")
    if copy:
        shutil.copytree(DIST, copy, dirs_exist_ok=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m page_build", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the page").add_argument("--to", type=Path, help="copy it to this folder")
    beside = commands.add_parser("beside", help="build the page for as long as a server runs")
    beside.add_argument("server", type=int, help="the server's process ID")
    for name in ("check", "test", "dev"):
        commands.add_parser(name, help=f"npm run {name}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
