"""Cancels a caller at a step, independent of speed."""

import asyncio
from collections.abc import Awaitable, Generator
from functools import partial
from itertools import count
from typing import Any


async def is_cancelled_at(step: int, operation: Awaitable[object]) -> bool:
    """Cancel a coroutine at its ``step``-th wait, from 0 on; False if it had ended before."""

    async def main() -> None:
        await _Watched(operation, step)

    task = asyncio.create_task(main())
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    return task.cancelled()


class _Watched:
    def __init__(self, operation: Awaitable[object], step: int) -> None:
        self._operation = operation
        self._step = step

    def __await__(self) -> Generator[Any, Any, None]:
        task, steps = asyncio.current_task(), self._operation.__await__()
        go_on = partial(steps.send, None)
        assert task
        for number in count():
            try:
                waited_for = go_on()
            except StopIteration:
                return
            if number == self._step:
                asyncio.get_running_loop().call_soon(task.cancel)
            try:
                yield waited_for
                go_on = partial(steps.send, None)
            except asyncio.CancelledError as error:
                go_on = partial(steps.throw, error)
