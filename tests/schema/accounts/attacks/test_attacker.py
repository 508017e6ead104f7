"""Whatever an attacker does to an account, he gets nothing of it, and its owner can use it all the time.

Hypothesis chooses who does what: the attacker calls every mutation of accounts, from several addresses, between what
the owner does. After each step, the account has to be as she left it, and her device has to get in.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from strawberry.utils.str_converters import to_camel_case

from services.accounts.sign_in import sign_in_delays
from tests.schema.accounts.attacks.attack import Attack
from tests.schema.accounts.attacks.documents import account_mutations
from tests.schema.accounts.attacks.world import World
from tests.support.backends.databases import Databases
from tests.support.clock import Clocks
from tests.support.shared_server import shared_server

#: ``make faults`` tries more of them, and others each time.
MANY = os.environ.get("ATTACK_EXAMPLES")
STEPS = int(os.environ.get("ATTACK_STEPS", "25"))
PREFIX = "mallory_"


@pytest.fixture
def world(databases: Databases, clocks: Clocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A server behind a proxy on this host, which names the clients.

    The first delay of a sign-in is long, so that it has not passed on a slow machine.
    """
    monkeypatch.setattr(sign_in_delays, "FIRST_SECONDS", 60.0)
    with asyncio.Runner() as runner:
        serving = shared_server(tmp_path, databases, trusted_proxies=("127.0.0.1",))
        server = runner.run(serving.__aenter__())
        yield World(runner, server, clocks)
        runner.run(serving.__aexit__(None, None, None))


def test_every_mutation_of_accounts_has_a_rule_for_the_attacker() -> None:
    rules = {to_camel_case(name.removeprefix(PREFIX)) for name in vars(Attack) if name.startswith(PREFIX)}
    assert account_mutations() - rules == set()


def test_an_attacker_gets_nothing_of_an_account_and_does_not_keep_its_owner_out(world: World) -> None:
    machine = type("Attack", (Attack,), {"world": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(MANY or 10),
            derandomize=not MANY,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
