"""Runs an attack in a process of its own, so that it does not delay the honest client.

``python -m bench.attacks.process NAME`` reads a target from standard input, prints a line when the attack starts, and
its result as JSON at its end.
"""

import asyncio
import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from subprocess import PIPE, Popen
from threading import Timer

from bench.attacks.attacker import Attacker
from bench.attacks.catalogue import BY_NAME
from bench.attacks.target import Target
from bench.harness.command import ROOT, BenchmarkFailed
from storage.child_process import dies_with_parent

#: The server and the honest client come first: an attacker has a machine of its own.
NICENESS = 10
#: Seconds after which a process that does not end is killed, beyond the time of the attack.
EXTRA_SECONDS = 60.0


@dataclass(frozen=True)
class AttackResult:
    """What an attack has done: bytes ``sent``, and how its connections ended."""

    sent: int
    outcomes: Mapping[str, int]


class AttackProcess:
    """A running attack."""

    def __init__(self, process: "Popen[str]") -> None:
        self._process = process

    @property
    def is_running(self) -> bool:
        """Whether the attack is not over."""
        return self._process.poll() is None

    def result(self) -> AttackResult:
        """Wait for the end. Raises :class:`BenchmarkFailed`."""
        assert self._process.stdout
        line = self._process.stdout.read()
        if self._process.wait():
            raise BenchmarkFailed("the attack has failed")
        return AttackResult(**json.loads(line))


@contextmanager
def attacking(name: str, target: Target) -> Iterator[AttackProcess]:
    """Start an attack; the block begins when it has started. The process ends with the block."""
    command = [sys.executable, "-m", "bench.attacks.process", name]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True, preexec_fn=dies_with_parent()) as process:
        limit = Timer(target.seconds + EXTRA_SECONDS, process.kill)
        limit.start()
        try:
            assert process.stdin
            assert process.stdout
            print(target.to_json(), file=process.stdin, flush=True)
            if not process.stdout.readline():
                raise BenchmarkFailed(f"{name} did not start")
            yield AttackProcess(process)
        finally:
            limit.cancel()
            process.kill()


async def _attack(name: str, target: Target) -> AttackResult:
    attack = BY_NAME[name]
    attacker = Attacker(target, lambda: print(flush=True))
    if attack.cpu_seconds is None:
        attacker.started()
    await attacker.run(attack.run)
    return AttackResult(attacker.sent, dict(attacker.outcomes))


def main() -> None:
    """Run the attack that is named on the command line."""
    os.nice(NICENESS)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    target = Target.from_json(sys.stdin.readline())
    print(json.dumps(asdict(asyncio.run(_attack(sys.argv[1], target)))), flush=True)


if __name__ == "__main__":
    main()
