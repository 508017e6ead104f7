"""A call that must end before its caller returns."""

import asyncio

import pytest

from storage.cancellation import run_to_end


async def test_the_result_and_the_error_of_a_call_are_those_of_the_caller() -> None:
    async def fail() -> None:
        raise LookupError

    assert await run_to_end(asyncio.sleep(0, "result")) == "result"
    with pytest.raises(LookupError):
        await run_to_end(fail())


async def test_a_caller_that_is_cancelled_repeatedly_waits_for_the_end_of_the_call() -> None:
    go_on = asyncio.Event()
    caller = asyncio.create_task(run_to_end(go_on.wait()))
    for _ in range(5):
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
