"""The number of retries, and the waits between them."""

import pytest

from cloudkeep.client.api.retry import Attempts, RetryPolicy, retry
from cloudkeep.client.errors import RetryableError, TransferFailed

QUICK = RetryPolicy(max_attempts=3, first_delay=0.001, max_delay=0.002)


class Flaky:
    """Work that fails a given number of times."""

    def __init__(self, failures: int) -> None:
        self.calls = 0
        self._failures = failures

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise RetryableError("the line is dead.")
        return "done"


@pytest.mark.parametrize(("failed", "whole"), [(1, 0.5), (2, 1.0), (5, 8.0), (7, 30.0), (60, 30.0)])
def test_the_wait_doubles_up_to_a_limit_and_is_jittered(failed: int, whole: float) -> None:
    delays = {RetryPolicy().delay(failed, 0.0) for _ in range(50)}
    assert whole / 2 <= min(delays) < max(delays) <= whole


@pytest.mark.parametrize(("retry_after", "delay"), [(7.0, 7.0), (99999.0, 300.0)])
def test_a_server_can_request_a_longer_wait_up_to_a_limit(retry_after: float, delay: float) -> None:
    assert RetryPolicy().delay(1, retry_after) == delay


async def test_a_call_is_repeated_until_it_succeeds_with_a_message_for_each_retry() -> None:
    notes: list[str] = []
    work = Flaky(2)
    assert await retry(work, Attempts(QUICK, notes.append)) == "done"
    assert (work.calls, notes) == (3, ["the line is dead; trying again"] * 2)


async def test_after_the_last_retry_the_last_reason_is_the_error() -> None:
    work = Flaky(3)
    with pytest.raises(TransferFailed, match=r"^the line is dead; gave up after 3 tries$"):
        await retry(work, Attempts(QUICK, lambda _: None))
    assert work.calls == 3


async def test_a_success_in_between_resets_the_count() -> None:
    attempts = Attempts(QUICK, lambda _: None)
    for _ in range(5):
        await attempts.failed(RetryableError("one"))
        await attempts.failed(RetryableError("two"))
        attempts.succeeded()
