"""The queue in front of the threads that hash passwords: bounded, and fair to client addresses."""

import asyncio
from collections import OrderedDict, deque
from typing import TypeAlias

from services.accounts.customer_networks import customer_network
from services.accounts.errors import ServerBusy

Turn: TypeAlias = "asyncio.Future[None]"

BUSY = "Too many passwords wait to be checked at the moment. Try again in a few seconds."


class HashQueue:
    """Lets ``running`` pieces of work run at the same time, and ``waiting`` more wait for their turn.

    Clients alternate; a client is an IPv4 address or a /48 network of IPv6. When the queue is full, the client that has
    the most requests in it loses its newest one. So a client that sends very many only displaces itself.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._free = running
        self._limit = waiting
        self._queues: OrderedDict[str, deque[Turn]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(len(queue) for queue in self._queues.values())

    async def enter(self, address: str) -> None:
        """Return when work of this client may run. Call :meth:`leave` when it has ended.

        A cancelled call leaves the queue. Raises :class:`ServerBusy`.
        """
        if self._free:
            self._free -= 1
            return
        network = customer_network(address)
        if self.waiting >= self._limit:
            self._make_room(network)
        turn: Turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(network, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._give_back(network, turn)
            raise

    def leave(self) -> None:
        """Let the next request run."""
        while self._queues:
            network, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[network] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _make_room(self, newcomer: str) -> None:
        longest = max(self._queues, key=lambda network: len(self._queues[network]))
        if len(self._queues[longest]) <= len(self._queues.get(newcomer, ())) + 1:
            raise ServerBusy(BUSY)
        displaced = self._queues[longest].pop()
        if not displaced.done():
            displaced.set_exception(ServerBusy(BUSY))

    def _give_back(self, network: str, turn: Turn) -> None:
        """Free the place, or the turn, of a request that was cancelled."""
        if turn in self._queues.get(network, ()):
            self._queues[network].remove(turn)
            if not self._queues[network]:
                del self._queues[network]
        elif not turn.cancelled() and turn.exception() is None:
            self.leave()
