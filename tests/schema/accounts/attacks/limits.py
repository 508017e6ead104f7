"""What the documentation promises about mails and codes of an address, as a model."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.accounts.attempts import DEFAULT_MAILS, GUESSES
from services.accounts.codes import ATTEMPTS
from services.budgets.budget_layers import client_network
from tests.schema.accounts.attacks.world import World

HOUR = timedelta(hours=1)
#: No code waits longer (``CLOUDKEEP_OTP_TTL``).
CODE_LIFE = timedelta(minutes=10)


@dataclass
class Waiting:
    """Something that waits for a code. ``guesses`` are those of everybody. ``code`` is empty if it is not known."""

    id: str
    address: str
    expires_at: datetime
    code: str = ""
    user_id: str = ""
    guesses: int = 0


class AddressLimits:
    """Counts the mails to addresses and the guesses at their codes, within an hour."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._mails: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._guesses: dict[str, list[datetime]] = defaultdict(list)

    def allow_mail(self, address: str, client: str) -> bool:
        """Whether an address may get another mail that this client causes."""
        recent = [network for at, network in self._mails[address] if at > self._world.now() - HOUR]
        return len(recent) < DEFAULT_MAILS and recent.count(client_network(client)) < DEFAULT_MAILS - 1

    def count_mail(self, address: str, client: str) -> None:
        """Count a mail that a client has caused."""
        self._mails[address].append((self._world.now(), client_network(client)))

    def guess(self, waits: Waiting, *, compares_late: bool = False) -> str:
        """Count a guess at a code, and return the error if it is wrong.

        The error depends on the numbers of guesses and on nothing else. ``compares_late``: whether a guess at a code
        that has expired counts as well.
        """
        if waits.guesses >= ATTEMPTS:
            return "INVALID_OTP"
        waits.guesses += 1
        if waits.expires_at < self._world.now() and not compares_late:
            return "INVALID_OTP"
        recent = [at for at in self._guesses[waits.address] if at > self._world.now() - HOUR]
        if len(recent) >= GUESSES and waits.guesses > 1:
            return "TOO_MANY_ATTEMPTS"
        self._guesses[waits.address].append(self._world.now())
        return "INVALID_OTP"
