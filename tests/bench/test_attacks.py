"""Every attack of ``make attack``, for a moment: it ends as expected, and leaves a server that answers others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.attacks.attack import Attack
from bench.attacks.attacker import Attacker
from bench.attacks.catalogue import ATTACKS
from bench.attacks.honest import HonestClient
from bench.attacks.measurement import MOST_MEMORY, attacked_server, with_account
from bench.attacks.target import PROXY, Target
from bench.contenders.cloudkeep import API
from bench.harness.server import Server
from tests.bench.benchmark import run_benchmark

#: A client that reads nothing is disconnected within the time of an attack, and some of the connections are too many.
SETTINGS = {
    "CLOUDKEEP_TRUSTED_PROXIES": PROXY,
    "CLOUDKEEP_RESPONSE_STALL_TIMEOUT": "1",
    "CLOUDKEEP_CONNECTIONS": "300",
}
CONNECTIONS, RATE = 400, 2_000_000
#: Seconds of an attack, and of one that first has to make the server send something.
SHORT, LONG = 2.0, 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with attacked_server(tmp_path_factory.mktemp("attacked"), SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def target(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """The server, with an account of the attacker."""
    return with_account(server, tmp_path_factory.mktemp("account"), Target(0, "one", SHORT, CONNECTIONS, RATE))


@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.name) for attack in ATTACKS])
async def test_an_attack_is_answered_and_takes_little_memory(server: Server, target: Target, attack: Attack) -> None:
    honest = HonestClient(server.port, is_behind_proxy=False)
    seconds = LONG if attack.needs_account else SHORT
    attacker = Attacker(Target(**{**vars(target), "seconds": seconds}))
    server.forget_peaks()
    level = server.peak_bytes()[API]
    await attacker.run(attack.run)
    assert attacker.outcomes.keys() & attack.expected, attacker.outcomes
    assert server.peak_bytes()[API] - level <= MOST_MEMORY
    assert honest.ask_for(0.1).failed == 0


@pytest.mark.parametrize("source", ["one", "many", "proxy"])
def test_the_benchmark_measures_an_attack_beside_an_honest_client(tmp_path: Path, source: str) -> None:
    found = run_benchmark("bench.attacks", tmp_path, "--only", "other-hosts", "--from", source, "--seconds", "1")
    quiet, attacked = found["attacks"]
    assert (quiet["name"], attacked["name"]) == (None, "other-hosts")
    assert attacked["source"] == source
    assert attacked["waits"]["failed"] == 0
    assert "421" in attacked["attack"]["outcomes"]
