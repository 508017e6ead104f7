"""Delays between guesses at a password: they grow with the failures, and nobody can lock an owner out with them.

Failures are counted for a typed name: of each client network, and of all networks together. The keys are HMACs of the
name as it was typed, a user ID or an address, and not of an account. So delays tell neither whether an account exists
nor which address it has. A device that has signed in before has a counter of its own
(:mod:`services.accounts.sign_in.devices`), and so has a session that asks for the password again.

OWASP ASVS 5.0.0, 6.1.1 and 6.3.1, ask for a defence against guessing that cannot be used to lock accounts; NIST SP
800-63B, section 3.2.2, proposes growing delays and clients that signed in before.
"""

import hmac
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from uuid import UUID

from services.accounts.customer_networks import customer_network
from services.accounts.errors import TooManyAttempts
from services.accounts.sign_in.devices import Device
from services.core.counters import Counters
from services.core.keys import SecretKey, derive
from storage.attempt_delays import AttemptDelays, Counter, DelayRule, DelaysOverloaded, DelaysUnavailable

T = TypeVar("T")

PURPOSE = "sign-in-delays"
HOUR, DAY = 60 * 60.0, 24 * 60 * 60.0
#: People who mistype a password seldom need more. Whether a client makes four guesses an hour without a delay or waits
#: for the longest delay (15 minutes) each time, it gets about a hundred guesses a day.
FREE_OF_CLIENT = 5
#: The failures of several members of a family or a company stay below it; a network of bots does not.
FREE_IN_TOTAL = 20
#: Seconds of the first delay, which a person hardly notices.
FIRST_SECONDS = 1.0
#: The seconds to wait when Redis has more calls than it answers in time.
BUSY_SECONDS = 1.0


@dataclass(frozen=True)
class LongestDelays:
    """The longest delays in seconds: of a client, and of clients that are let through only because of others."""

    client: float = 900.0
    total: float = 60.0


DEFAULT_DELAYS = LongestDelays()


@dataclass(frozen=True, slots=True)
class Guess:
    """The counters of a guess: of its client, and perhaps of all clients."""

    client: Counter
    total: Counter | None = None


class Ticket(NamedTuple):
    """A guess that may be verified. It is counted as failed in advance, in this store."""

    store: AttemptDelays
    guess: Guess


class SignInDelays:
    """Lets guesses through, one after another. ``own`` counts for this process while ``shared`` is unavailable."""

    def __init__(
        self,
        keys: Sequence[SecretKey],
        shared: AttemptDelays,
        own: AttemptDelays,
        counters: Counters,
        longest: LongestDelays = DEFAULT_DELAYS,
    ) -> None:
        # Only the first key: after a change of keys, all counts start again.
        self._key = derive(keys[0], PURPOSE)
        self._shared = shared
        self._own = own
        self._counters = counters
        self._of_client = DelayRule(FREE_OF_CLIENT, longest.client, HOUR, DAY, FIRST_SECONDS)
        self._of_all = DelayRule(FREE_IN_TOTAL, longest.total, HOUR, HOUR, FIRST_SECONDS)

    def of_name(self, name: str, address: str) -> Guess:
        """A guess for a name, which is normalised, by a client that is not known. ``address`` is the client's."""
        # The tag in braces, so that one script can use both (Redis Cluster specification, "Hash tags").
        total = self._key_of("name", name)
        client = self._key_of("network", name, customer_network(address))
        return Guess(
            Counter(f"cloudkeep:sign-in:{{{total}}}:{client}", self._of_client),
            Counter(f"cloudkeep:sign-in:{{{total}}}", self._of_all),
        )

    def of_device(self, device: Device) -> Guess:
        """A guess for the account of a device that has signed in before."""
        return self._of_one("device", str(device.account_id), device.counter)

    def of_session(self, session_id: UUID) -> Guess:
        """A guess in a session that asks for the password again."""
        return self._of_one("session", str(session_id))

    async def begin(self, *guesses: Guess) -> Ticket:
        """Count the first guess that need not wait as failed. Raises :class:`TooManyAttempts` if all have to wait."""
        waits = []
        for guess in guesses:
            store, wait = await self._begin_one(guess)
            if not wait:
                return Ticket(store, guess)
            waits.append(wait)
        self._counters.sign_ins["delayed"] += 1
        raise _refusal(min(waits))

    async def finish(self, ticket: Ticket, verification: Awaitable[T | None]) -> T | None:
        """The result of the verification of a guess, which is None for a wrong password.

        If it raises an exception, the guess is not counted. If it is cancelled, the guess stays counted as failed.
        """
        try:
            result = await verification
        except Exception:
            await _end(ticket.store.take_back, ticket.guess)
            raise
        self._counters.sign_ins["failed" if result is None else "succeeded"] += 1
        if result is not None:
            await _end(ticket.store.succeed, ticket.guess)
        return result

    async def _begin_one(self, guess: Guess) -> tuple[AttemptDelays, float]:
        try:
            return self._shared, await self._shared.begin(guess.client, guess.total)
        except DelaysUnavailable:
            return self._own, await self._own.begin(guess.client, guess.total)
        except DelaysOverloaded:
            return self._shared, BUSY_SECONDS

    def _of_one(self, *parts: str) -> Guess:
        return Guess(Counter(f"cloudkeep:sign-in:{{{self._key_of(*parts)}}}", self._of_client))

    def _key_of(self, *parts: str) -> str:
        # No part contains the separator: a name is normalised, the others are addresses and UUIDs.
        return hmac.digest(self._key, "\0".join(parts).encode(), "sha256").hex()[:32]


async def _end(call: Callable[[Counter, Counter | None], Awaitable[None]], guess: Guess) -> None:
    try:
        await call(guess.client, guess.total)
    except (DelaysUnavailable, DelaysOverloaded):
        # The failure stays counted. It is forgotten after a while.
        return


def _refusal(wait: float) -> TooManyAttempts:
    return TooManyAttempts(f"There were too many wrong passwords. Try again in {math.ceil(wait)} s.", retry_after=wait)
