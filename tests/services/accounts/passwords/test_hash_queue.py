"""The queue of passwords that wait to be hashed."""

import asyncio
from uuid import UUID

import pytest

from services.accounts.errors import ServerBusy
from services.accounts.passwords.hash_queue import HashQueue, known_client

ACCOUNT = UUID(int=99)


class Crowd:
    """Requests that enter a queue, and stay in it until the test lets them leave."""

    def __init__(self, queue: HashQueue) -> None:
        self.queue = queue
        self.entered: list[str] = []
        self.refused: list[str] = []

    async def send(self, name: str, address: str) -> "asyncio.Task[None]":
        """A request that has entered, waits, or was refused."""
        task = asyncio.create_task(self._enter(name, address))
        await settled()
        return task

    async def _enter(self, name: str, address: str) -> None:
        try:
            await self.queue.enter(address)
            self.entered.append(name)
        except ServerBusy:
            self.refused.append(name)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(HashQueue(running=1, waiting=4))


async def test_one_request_runs_and_the_others_wait(crowd: Crowd) -> None:
    await crowd.send("a1", "192.0.2.1")
    await crowd.send("a2", "192.0.2.1")
    assert crowd.entered == ["a1"]
    crowd.queue.leave()
    await settled()
    assert crowd.entered == ["a1", "a2"]


async def test_clients_alternate(crowd: Crowd) -> None:
    for name in ("a1", "a2", "a3", "a4"):
        await crowd.send(name, "192.0.2.1")
    await crowd.send("b1", "192.0.2.2")
    for _ in range(4):
        crowd.queue.leave()
        await settled()
    assert crowd.entered == ["a1", "a2", "b1", "a3", "a4"]


async def test_a_full_queue_refuses_one_more_of_the_client_that_fills_it(crowd: Crowd) -> None:
    for number in range(7):
        await crowd.send(f"a{number}", "192.0.2.1")
    assert crowd.refused == ["a5", "a6"]
    assert crowd.queue.waiting == 4


async def test_another_client_displaces_the_newest_request_of_the_one_that_fills_the_queue(crowd: Crowd) -> None:
    for number in range(5):
        await crowd.send(f"a{number}", "192.0.2.1")
    await crowd.send("b", "192.0.2.2")
    await crowd.send("c", "192.0.2.3")
    assert crowd.refused == ["a4", "a3"]
    await crowd.send("d", "192.0.2.4")
    await crowd.send("e", "192.0.2.5")
    # Each has one request in the queue, so that nobody has more than another.
    assert crowd.refused == ["a4", "a3", "a2", "e"]


async def test_all_networks_of_a_customer_with_ipv6_are_one_client(crowd: Crowd) -> None:
    for number in range(5):
        await crowd.send(f"a{number}", f"2001:db8:0:{number}::1")
    await crowd.send("b", "2001:db8:1::1")
    assert crowd.refused == ["a4"]


async def test_a_cancelled_request_frees_its_place(crowd: Crowd) -> None:
    tasks = [await crowd.send(f"a{number}", "192.0.2.1") for number in range(5)]
    for task in tasks[1:]:
        task.cancel()
    await settled()
    assert crowd.queue.waiting == 0
    crowd.queue.leave()
    await crowd.send("b", "192.0.2.2")
    assert crowd.entered == ["a0", "b"]


async def test_a_turn_that_comes_to_a_cancelled_request_goes_to_the_next(crowd: Crowd) -> None:
    await crowd.send("a", "192.0.2.1")
    cancelled = await crowd.send("b", "192.0.2.1")
    await crowd.send("c", "192.0.2.1")
    crowd.queue.leave()
    cancelled.cancel()
    await settled()
    assert crowd.entered == ["a", "c"]


async def test_a_request_that_is_cancelled_before_its_turn_takes_none(crowd: Crowd) -> None:
    await crowd.send("a", "192.0.2.1")
    cancelled = await crowd.send("b", "192.0.2.1")
    await crowd.send("c", "192.0.2.1")
    cancelled.cancel()
    crowd.queue.leave()
    await settled()
    assert crowd.entered == ["a", "c"]


async def test_a_known_client_displaces_a_stranger_although_each_of_these_has_one_request(crowd: Crowd) -> None:
    for number in range(5):
        await crowd.send(f"a{number}", f"192.0.2.{number}")
    await crowd.send("owner", known_client(ACCOUNT))
    await crowd.send("stranger", "198.51.100.1")
    assert crowd.refused == ["a1", "stranger"]


async def test_a_known_client_with_a_request_in_the_queue_displaces_no_other_stranger(crowd: Crowd) -> None:
    for number in range(5):
        await crowd.send(f"a{number}", f"192.0.2.{number}")
    for number in range(3):
        await crowd.send(f"owner{number}", known_client(ACCOUNT))
    assert crowd.refused == ["a1", "owner1", "owner2"]


async def test_a_known_client_displaces_no_other_known_client(crowd: Crowd) -> None:
    for number in range(5):
        await crowd.send(f"a{number}", known_client(UUID(int=number)))
    await crowd.send("owner", known_client(ACCOUNT))
    assert crowd.refused == ["owner"]
