"""What is known about a mutation of accounts: how to call it, and what it changes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.accounts.facts import Facts
from tests.faults.accounts.people import AccountServer, Person
from tests.support.server import PASSWORD, Json


async def signs_in(person: Person) -> None:
    """The owner gets in with the first password."""
    assert await person.opens(person.user_id, PASSWORD)


@dataclass(frozen=True)
class Mutation:
    """``effect`` is what differs afterwards, all of it or nothing.

    ``between`` are the only other states in which a kill may leave the account. ``refusals`` are the error codes of a
    repetition after the effect, and ``finish`` shows that the owner gets in then. ``steps`` are the names of steps
    besides the statements.
    """

    name: str
    prepare: Callable[[AccountServer], Awaitable[Person]]
    run: Callable[[Person], Awaitable[Json]]
    effect: Facts
    between: tuple[Facts, ...] = ()
    refusals: frozenset[str] = frozenset()
    finish: Callable[[Person], Awaitable[None]] = signs_in
    mails: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps besides the statements."""
        mail = ("mail: not handed over", "mail: handed over") if self.mails else ()
        return ("request: not begun", *mail, "request: done, no answer")


async def newcomer(server: AccountServer) -> Person:
    """Somebody without an account."""
    return Person(server)


async def member(server: AccountServer) -> Person:
    """The owner of an account with a session."""
    return await Person(server).join()


async def owner(server: AccountServer) -> Person:
    """The owner of an account with two sessions and an API token."""
    return await (await member(server)).gather_credentials()
