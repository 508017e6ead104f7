"""Spreads work over turns of the event loop, and alternates between clients.

In one turn, an event loop runs everything that is ready. So if a thousand requests arrive at the same time, all other
clients wait until each of them has run up to its first wait. Here, only some start in each turn; those of other
clients, which come first, start in the next one.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

from services.budgets.budget_layers import client_network


class FairTurns:
    """Lets ``per_turn`` pieces of work start in each turn of the event loop; any more wait in a queue.

    After long work, ``pause`` seconds pass before more starts: a short request takes several turns of the loop, between
    which it waits for the network or a reply of Redis.

    Clients alternate, and a client is an IPv4 address or a /64 network of IPv6. The queue has no limit of its own: what
    waits belongs to connections, whose number is limited.
    """

    def __init__(self, per_turn: int, pause: float = 0.0) -> None:
        self._per_turn = per_turn
        self._pause = pause
        self._started = 0
        self._is_scheduled = False
        self._queues: OrderedDict[str, deque[Callable[[], object]]] = OrderedDict()

    async def wait(self, address: str) -> None:
        """Return when a piece of work of this client may start."""
        if self._has_room():
            self._count()
            return
        turn = asyncio.Event()
        self._put(address, turn.set)
        await turn.wait()

    def call(self, address: str, callback: Callable[[], object]) -> None:
        """Call a function as soon as work of this client may start, which may be now."""
        if self._has_room():
            self._count()
            callback()
        else:
            self._put(address, callback)

    def _has_room(self) -> bool:
        return not self._queues and self._started < self._per_turn

    def _put(self, address: str, callback: Callable[[], object]) -> None:
        self._queues.setdefault(client_network(address), deque()).append(callback)
        self._schedule()

    def _count(self) -> None:
        self._started += 1
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        """Runs after the work that has started in this turn."""
        if self._pause:
            asyncio.get_running_loop().call_later(self._pause, self._start_turn)
        else:
            self._start_turn()

    def _start_turn(self) -> None:
        self._is_scheduled = False
        self._started = 0
        while self._has_work():
            client, queue = self._queues.popitem(last=False)
            callback = queue.popleft()
            if queue:
                self._queues[client] = queue
            try:
                callback()
            finally:
                self._count()

    def _has_work(self) -> bool:
        return bool(self._queues) and self._started < self._per_turn
