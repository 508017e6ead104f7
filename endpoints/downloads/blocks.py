"""The sizes of the blocks in which downloads are read, so that clients that stop reading hold little memory.

A large block costs less time for each byte, but a client that stops reading keeps two of them in memory. So a download
starts with small blocks: the kernel alone accepts the first ones. Later, a block is as large as what the client has
just read in a moment. All that is above the smallest size is taken from a budget, of which each client address may have
a part.
"""

from collections import Counter
from dataclasses import dataclass

from services.budgets.budget_layers import client_network

KIB, MIB = 1024, 1024 * 1024
#: The smallest and the largest block. With blocks of 256 KiB, a byte costs twice the processor time.
SMALLEST, LARGEST = 16 * KIB, MIB
#: The seconds for which a block should suffice: only clients that read more than 50 MiB/s have the largest.
SECONDS = 0.02
#: A block is at most this part of what the client has read so far.
PART = 1 / 8
#: Memory for larger blocks in this process, and for one address. Without any left, downloads go on in small blocks.
TOTAL, PER_ADDRESS = 16 * MIB, 8 * MIB
#: While one block waits in the write buffer, the next one is read.
BLOCKS_HELD = 2


class BlockBudget:
    """The memory of all downloads of a process for blocks that are larger than the smallest, in bytes."""

    def __init__(self, total: int = TOTAL, per_address: int = PER_ADDRESS) -> None:
        self._per_address = per_address
        self._free = total
        self._taken: Counter[str] = Counter()

    def take(self, address: str, size: int) -> bool:
        """Take memory for an address, or give it back if ``size`` is negative. Returns whether there was enough."""
        owner = client_network(address)
        if size > 0 and (size > self._free or self._taken[owner] + size > self._per_address):
            return False
        self._free -= size
        self._taken[owner] += size
        if not self._taken[owner]:
            del self._taken[owner]
        return True


@dataclass
class BlockSizes:
    """The block sizes of one download. Call :meth:`close` after :meth:`block_was_read`, whatever happens."""

    budget: BlockBudget
    address: str
    _size: int = SMALLEST
    _read: int = 0

    def next_size(self) -> int:
        """Bytes of the next block."""
        return self._size

    def block_was_read(self, size: int, seconds: float) -> None:
        """Report that the client has read a block in this time."""
        self._read += size
        suitable = size / seconds * SECONDS if seconds else LARGEST
        self._resize(max(SMALLEST, int(min(LARGEST, self._read * PART, suitable))))

    def close(self) -> None:
        """Give all memory back."""
        self._resize(SMALLEST)

    def _resize(self, size: int) -> None:
        if self.budget.take(self.address, BLOCKS_HELD * (size - self._size)):
            self._size = size
