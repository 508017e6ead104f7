"""What is called after a commit: only then, once, and each call whatever the others raise."""

import pytest

from storage.accounts import accounts
from storage.accounts.models import Account
from storage.database.connection import after_commit, atomically
from storage.errors import TransactionAborted
from tests.storage.rows import new_account

pytestmark = pytest.mark.usefixtures("database")


class Undone(Exception):
    """Rolls a transaction back."""


async def test_a_callback_that_fails_hides_neither_the_commit_nor_the_other_callbacks() -> None:
    account, called = await new_account(), []

    def fail() -> None:
        raise RuntimeError

    async def work() -> str:
        await Account.filter(id=account.id).update(name="changed")
        after_commit(fail)
        after_commit(lambda: called.append("next"))
        return "result"

    assert await atomically(work) == "result"
    assert called == ["next"]
    found = await accounts.find(account.id)
    assert found
    assert found.name == "changed"


async def test_a_transaction_that_runs_again_calls_back_once() -> None:
    called: list[str] = []
    runs = iter(range(3))

    async def work() -> None:
        after_commit(lambda: called.append("called"))
        if next(runs) < 2:
            raise TransactionAborted("another transaction was faster")

    await atomically(work)
    assert called == ["called"]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_part_of_a_transaction_calls_back_after_the_whole(fails: bool) -> None:
    called: list[str] = []

    async def part() -> None:
        after_commit(lambda: called.append("part"))

    async def work() -> None:
        await atomically(part)
        assert not called
        if fails:
            raise Undone

    try:
        await atomically(work)
    except Undone:
        assert fails
    assert called == ([] if fails else ["part"])
