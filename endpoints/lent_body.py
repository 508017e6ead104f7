"""Bodies that come straight from the socket into a thread, past the event loop.

A body that goes through the event loop is copied several times, in pieces of 64 KiB, each with a message of its own;
that costs more than hashing and writing it. So a server may *lend* the socket for the length of a body: it offers an
object under ``EXTENSION`` in the ASGI scope, and the endpoint takes the body from it, once it has decided to.

The contract of :class:`OffloadedBody`, which ``tests/endpoints`` holds every server to:

- Nothing is read from the socket before :meth:`OffloadedBody.take`; whoever does not take the body goes on as with any
  ASGI server.
- ``take`` hands every byte of the body to ``consume``, in order and once, in views of at most a mebibyte that are valid
  only during the call, on a thread of a bounded pool. It returns False, having done nothing, when there is no thread to
  spare or nothing to gain: the body is then read by ASGI.
- When ``consume`` raises, the rest of the body is read and thrown away, so that the answer reaches the sender and the
  connection can be used again; then the error is raised.
- A sender that uses up its credit (:mod:`endpoints.body_timeouts`), or hangs up, ends the body and the connection.
- A cancelled call ends the thread before it returns.
"""

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request

from endpoints.body_timeouts import ThroughputGuard

EXTENSION = "cloudkeep.lent_body"

Consume = Callable[[memoryview], None]


def offloaded_body_of(request: Request) -> "OffloadedBody | None":
    """What the server offers, if it does."""
    offered: OffloadedBody | None = request.scope.get("extensions", {}).get(EXTENSION)
    return offered


class OffloadedBody(Protocol):
    """A request's body that has not been read yet."""

    async def take(self, consume: Consume, sender: ThroughputGuard) -> bool:
        """Read the whole body; False when it has to be read by ASGI instead.

        Raises :class:`services.uploads.errors.BodyStalled`, :class:`services.uploads.errors.BodyIncomplete`, and what
        ``consume`` raises.
        """
        ...
