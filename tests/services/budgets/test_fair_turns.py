"""Work starts a few pieces at a time, and clients alternate."""

import asyncio
from collections.abc import Callable, Iterable

import pytest

from services.budgets.fair_turns import FairTurns

PER_TURN = 3
#: The turn of the event loop in which a piece of work of a client started.
Starts = list[tuple[int, str]]
CROWD, OTHER = "192.0.2.1", "192.0.2.2"


class Turns:
    """Counts the turns of the event loop."""

    def __init__(self) -> None:
        self.number = 0
        self._handle = asyncio.get_running_loop().call_soon(self._count)

    def _count(self) -> None:
        self.number += 1
        self._handle = asyncio.get_running_loop().call_soon(self._count)

    def stop(self) -> None:
        self._handle.cancel()


async def start_all(clients: Iterable[str], use: Callable[[FairTurns, str, Callable[[], None]], None]) -> Starts:
    """When each piece of work starts, if they all arrive in the same turn."""
    fair, turns, starts = FairTurns(PER_TURN), Turns(), Starts()
    expected = 0
    for client in clients:
        use(fair, client, lambda client=client: starts.append((turns.number, client)))  # type: ignore[misc]
        expected += 1
    while len(starts) < expected:
        await asyncio.sleep(0)
    turns.stop()
    return starts


def call(fair: FairTurns, client: str, start: Callable[[], None]) -> None:
    fair.call(client, start)


def wait(fair: FairTurns, client: str, start: Callable[[], None]) -> None:
    async def work() -> None:
        await fair.wait(client)
        start()

    TASKS.append(asyncio.create_task(work()))


#: The event loop has only weak references to tasks.
TASKS: list[asyncio.Task[None]] = []
USES = pytest.mark.parametrize("use", [call, wait])


@USES
async def test_only_a_few_start_in_each_turn(use: Callable[..., None]) -> None:
    starts = [turn for turn, _ in await start_all([CROWD] * 20, use)]
    assert max(map(starts.count, starts)) == PER_TURN
    assert starts == sorted(starts)


@USES
async def test_what_arrives_alone_starts_at_once(use: Callable[..., None]) -> None:
    ((turn, _),) = await start_all([OTHER], use)
    assert turn <= 1


@USES
async def test_another_client_starts_before_the_rest_of_a_crowd(use: Callable[..., None]) -> None:
    clients = [client for _, client in await start_all([*[CROWD] * 100, OTHER], use)]
    assert clients.index(OTHER) <= 2 * PER_TURN


async def test_the_addresses_of_an_ipv6_network_are_one_client() -> None:
    crowd = [f"2001:db8::{number:x}" for number in range(1, 101)]
    clients = [client for _, client in await start_all([*crowd, OTHER], call)]
    assert clients.index(OTHER) <= 2 * PER_TURN


async def test_whatever_is_cancelled_while_it_waits_holds_up_nothing() -> None:
    fair = FairTurns(1)
    waiting = [asyncio.create_task(fair.wait(CROWD)) for _ in range(10)]
    await asyncio.sleep(0)
    for task in waiting[1:]:
        task.cancel()
    async with asyncio.timeout(30):
        await fair.wait(OTHER)


async def test_small_work_of_others_is_done_between_two_pieces_of_heavy_work() -> None:
    fair, started = FairTurns(1, pause=3600), list[int]()

    async def heavy() -> None:
        await fair.wait(CROWD)
        started.append(1)

    tasks = [asyncio.create_task(heavy()) for _ in range(5)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(started) == 1
    for task in tasks:
        task.cancel()


async def test_after_a_pause_the_next_piece_of_heavy_work_starts() -> None:
    fair = FairTurns(1, pause=0.001)
    async with asyncio.timeout(30):
        await asyncio.gather(*[fair.wait(CROWD) for _ in range(5)])


async def test_a_call_that_fails_does_not_end_the_others() -> None:
    fair, done = FairTurns(1), asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    fair.call(CROWD, int)
    fair.call(CROWD, lambda: 1 / 0)
    fair.call(CROWD, done.set)
    async with asyncio.timeout(30):
        await done.wait()
