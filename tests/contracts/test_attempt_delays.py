"""What every store of delays promises."""

import asyncio

from storage.attempt_delays import AttemptDelays, Counter, DelayRule
from tests.support.waiting import eventually

HOUR = 3_600.0
#: Three attempts are free, and the first delay is longer than any test.
SLOW = DelayRule(3, 10_000.0, HOUR, HOUR, 10_000.0)
#: Delays that are over in a moment.
SHORT = DelayRule(3, 0.05, HOUR, HOUR, 1.0)
#: Failures that are forgotten in a moment.
FORGETFUL = DelayRule(3, 0.01, 0.05, 0.05, 1.0)
CLIENT = Counter("{test}:client", SLOW)
OTHER = Counter("{test}:other", SLOW)
#: The delay of all clients: the tenth failure in total starts it.
TOTAL = Counter("{test}", DelayRule(10, 10_000.0, HOUR, HOUR, 10_000.0))


def client(number: int, rule: DelayRule = SLOW) -> Counter:
    return Counter(f"{{test}}:{number}", rule)


async def begin_many(delays: AttemptDelays, number: int, of: Counter, total: Counter | None = None) -> list[float]:
    return [await delays.begin(of, total) for _ in range(number)]


async def let_through(delays: AttemptDelays, of: Counter, total: Counter | None = None) -> None:
    """Wait until an attempt is counted."""

    async def counted() -> bool:
        return not await delays.begin(of, total)

    await eventually(counted)


async def test_the_first_attempts_are_free_and_the_next_has_to_wait(delays: AttemptDelays) -> None:
    *free, wait = await begin_many(delays, 4, CLIENT)
    assert free == [0, 0, 0]
    assert 0 < wait <= SLOW.first


async def test_a_thousand_at_once_are_as_many_as_are_free(delays: AttemptDelays) -> None:
    waits = await asyncio.gather(*(delays.begin(CLIENT) for _ in range(1_000)))
    assert waits.count(0) == 3


async def test_the_delay_doubles_with_each_failure_up_to_the_longest() -> None:
    rule = DelayRule(3, 50.0, HOUR, HOUR, 1.0)
    assert [rule.delay(failures) for failures in (0, 2, 3, 4, 5, 8, 9, 10**6)] == [0, 0, 1, 2, 4, 32, 50, 50]


async def test_after_the_delay_one_attempt_is_let_through_and_the_next_waits_again(delays: AttemptDelays) -> None:
    short = Counter(CLIENT.key, SHORT)
    await begin_many(delays, 3, short)
    await let_through(delays, short)
    assert await delays.begin(CLIENT) > 1


async def test_asking_during_the_delay_does_not_extend_it(delays: AttemptDelays) -> None:
    await begin_many(delays, 3, CLIENT)
    waits = await begin_many(delays, 50, CLIENT)
    assert waits == sorted(waits, reverse=True)
    assert waits[0] <= SLOW.first


async def test_success_forgets_the_failures_of_the_client(delays: AttemptDelays) -> None:
    await begin_many(delays, 3, CLIENT)
    await delays.succeed(CLIENT)
    assert (await begin_many(delays, 4, CLIENT))[:3] == [0, 0, 0]


async def test_success_subtracts_its_own_attempt_from_the_total_and_no_other(delays: AttemptDelays) -> None:
    for number in range(9):
        assert await delays.begin(client(number), TOTAL) == 0
    assert await delays.begin(CLIENT, TOTAL) == 0
    await delays.succeed(CLIENT, TOTAL)
    assert await delays.begin(client(10), TOTAL) == 0
    assert await delays.begin(client(11), TOTAL) > 0


async def test_an_attempt_that_is_taken_back_is_not_a_failure(delays: AttemptDelays) -> None:
    for _ in range(20):
        assert await delays.begin(CLIENT, TOTAL) == 0
        await delays.take_back(CLIENT, TOTAL)
    await begin_many(delays, 2, CLIENT, TOTAL)
    assert await delays.begin(CLIENT, TOTAL) == 0
    assert await delays.begin(CLIENT, TOTAL) > 0


async def test_taking_back_more_than_was_counted_gives_no_attempts_away(delays: AttemptDelays) -> None:
    await delays.take_back(CLIENT, TOTAL)
    await delays.succeed(CLIENT, TOTAL)
    assert (await begin_many(delays, 4, CLIENT, TOTAL))[:3] == [0, 0, 0]
    assert await delays.begin(CLIENT, TOTAL) > 0


async def test_clients_have_nothing_to_do_with_each_other(delays: AttemptDelays) -> None:
    await begin_many(delays, 4, CLIENT)
    assert await begin_many(delays, 3, OTHER) == [0, 0, 0]


async def test_clients_without_a_failure_wait_as_well_when_all_together_have_failed_too_often(
    delays: AttemptDelays,
) -> None:
    waits = [await delays.begin(client(number), TOTAL) for number in range(11)]
    assert waits[:10] == [0] * 10
    assert waits[10] > 1


async def test_a_thousand_clients_at_once_are_as_many_as_are_free_in_total(delays: AttemptDelays) -> None:
    waits = await asyncio.gather(*(delays.begin(client(number), TOTAL) for number in range(1_000)))
    assert waits.count(0) == 10


async def test_no_client_takes_the_turn_of_another_one(delays: AttemptDelays) -> None:
    """Each waits since it first asked, however many others are let through meanwhile."""
    total = Counter("{test}", DelayRule(3, 0.05, HOUR, HOUR, 1.0))
    for number in range(3):
        await delays.begin(client(number, SHORT), total)
    owner = Counter("{test}:owner", SHORT)
    assert await delays.begin(owner, total) > 0

    async def crowd() -> None:
        for number in range(100, 200):
            await delays.begin(client(number, SHORT), total)

    await asyncio.gather(crowd(), let_through(delays, owner, total))


async def test_failures_are_forgotten_after_a_while(delays: AttemptDelays) -> None:
    forgetful, total = Counter("{test}:f", FORGETFUL), Counter("{test}:t", FORGETFUL)
    await begin_many(delays, 3, forgetful, total)
    # As failures of these keys they would have to wait for longer than the test.
    await let_through(delays, Counter(forgetful.key, SLOW))
    await let_through(delays, Counter(total.key, SLOW))


async def test_without_a_longest_delay_there_is_none(delays: AttemptDelays) -> None:
    never = DelayRule(3, 0.0, HOUR, HOUR, 1.0)
    waits = await begin_many(delays, 100, Counter("{test}:n", never), Counter("{test}:m", never))
    assert waits == [0] * 100
