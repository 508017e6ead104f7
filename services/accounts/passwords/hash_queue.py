"""The queue in front of the threads that hash passwords: bounded, and fair to clients.

Requests from as many networks as the queue has places would keep everybody else out. So a client that has shown before
that it belongs to an account, by a session, the token of a device or a mailed code, takes the place of one that has
not. It can do so once at a time, so that the owners of accounts cannot keep everybody else out either.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import TypeAlias
from uuid import UUID

from services.accounts.customer_networks import customer_network
from services.accounts.errors import ServerBusy

Turn: TypeAlias = "asyncio.Future[None]"

#: No address begins with it.
KNOWN = "account "
BUSY = "Too many passwords wait to be checked at the moment. Try again in a few seconds."


def known_client(account_id: UUID) -> str:
    """The name of all clients that are known to belong to an account, in place of their addresses."""
    return f"{KNOWN}{account_id}"


class HashQueue:
    """Lets ``running`` pieces of work run at the same time, and ``waiting`` more wait for their turn.

    Clients alternate; a client is an IPv4 address or a /48 network of IPv6. When the queue is full, the client that has
    the most requests in it loses its newest one. So a client that sends very many only displaces itself. The clients of
    :func:`known_client` are one client, which always has room for one request if there are strangers in the queue.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._free = running
        self._limit = waiting
        self._queues: OrderedDict[str, deque[Turn]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(len(queue) for queue in self._queues.values())

    async def enter(self, client: str) -> None:
        """Return when work of this client may run. Call :meth:`leave` when it has ended.

        ``client`` is its address, or its :func:`known_client`. A cancelled call leaves the queue. Raises
        :class:`ServerBusy`.
        """
        if self._free:
            self._free -= 1
            return
        network = customer_network(client)
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
        longest = self._longest(self._queues)
        if len(self._queues[longest]) <= len(self._queues.get(newcomer, ())) + 1:
            longest = self._longest_of_strangers(newcomer)
        displaced = self._queues[longest].pop()
        if not self._queues[longest]:
            del self._queues[longest]
        if not displaced.done():
            displaced.set_exception(ServerBusy(BUSY))

    def _longest(self, networks: Iterable[str]) -> str:
        return max(networks, key=lambda network: len(self._queues[network]))

    def _longest_of_strangers(self, newcomer: str) -> str:
        """The stranger that makes room for a known client. Raises :class:`ServerBusy` if none has to."""
        strangers = [network for network in self._queues if not network.startswith(KNOWN)]
        if not strangers or not newcomer.startswith(KNOWN) or newcomer in self._queues:
            raise ServerBusy(BUSY)
        return self._longest(strangers)

    def _give_back(self, network: str, turn: Turn) -> None:
        """Free the place, or the turn, of a request that was cancelled."""
        if turn in self._queues.get(network, ()):
            self._queues[network].remove(turn)
            if not self._queues[network]:
                del self._queues[network]
        elif not turn.cancelled() and turn.exception() is None:
            self.leave()
