"""The rules of the owner and of the clock."""

from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.schema.accounts.attacks.ada import Ada
from tests.schema.accounts.attacks.limits import AddressLimits
from tests.schema.accounts.attacks.mallory import Mallory
from tests.schema.accounts.attacks.world import World

T = TypeVar("T")

#: No sum of a few of them is close to ten minutes or an hour, after which codes and counts end.
PAUSES = (timedelta(seconds=170), timedelta(seconds=1000), timedelta(hours=2), timedelta(hours=25), timedelta(days=8))
#: Sessions that are not refreshed end after 30 days.
LONGEST = timedelta(days=25)

#: A place in a list whose length is known when the step runs.
places = st.integers(0, 11)


def at(items: list[T], place: int) -> T:
    """The item at a place, which begins again after the last one."""
    return items[place % len(items)]


class OwnerRules(RuleBasedStateMachine):
    """What the owner does, between the steps of the attacker."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        name = self.world.begin()
        limits = AddressLimits(self.world)
        self.ada = Ada(self.world, limits, name)
        self.mallory = Mallory(self.world, limits, self.ada, name)
        self._passed = timedelta(0)
        self._checked_calls = 0

    @rule(pause=st.sampled_from(PAUSES))
    def time_passes(self, pause: timedelta) -> None:
        if self._passed + pause <= LONGEST:
            self._passed += pause
            self.world.advance(pause)

    @precondition(lambda self: not self.ada.exists and not self.ada.registration)
    @rule()
    def ada_registers(self) -> None:
        self.ada.register()

    @precondition(lambda self: self.ada.registration)
    @rule()
    def ada_resends(self) -> None:
        self.ada.resend()

    @precondition(lambda self: self.ada.registration)
    @rule()
    def ada_enters_the_newest_code(self) -> None:
        self.ada.enter_newest_code()

    @precondition(lambda self: self.ada.registration)
    @rule()
    def ada_verifies(self) -> None:
        self.ada.verify()

    @precondition(lambda self: self.ada.sessions)
    @rule()
    def ada_logs_out(self) -> None:
        self.ada.log_out()

    @precondition(lambda self: self.ada.sessions and self.ada.password)
    @rule(place=places)
    def ada_changes_her_password(self, place: int) -> None:
        self.ada.change_password(at([0, 1, 2], place))

    @precondition(lambda self: self.ada.sessions and self.ada.password)
    @rule()
    def ada_creates_an_api_token(self) -> None:
        self.ada.create_api_token()

    @precondition(lambda self: self.ada.sessions and self.ada.password)
    @rule(place=places)
    def ada_requests_another_address(self, place: int) -> None:
        self.ada.request_change(at([n for n, each in enumerate(self.ada.addresses) if each != self.ada.email], place))

    @precondition(lambda self: self.ada.sessions and self.ada.change)
    @rule()
    def ada_confirms_the_address(self) -> None:
        self.ada.confirm_change()

    @precondition(lambda self: self.ada.undoable)
    @rule()
    def ada_undoes_a_change(self) -> None:
        self.ada.undo_change()

    @precondition(lambda self: self.ada.exists)
    @rule()
    def ada_forgets_her_password(self) -> None:
        self.ada.forget_password()

    @precondition(lambda self: self.ada.reset)
    @rule(place=places)
    def ada_resets_her_password(self, place: int) -> None:
        self.ada.reset_password(at([0, 1, 2], place))
