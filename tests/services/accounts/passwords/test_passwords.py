"""Password hashes."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from passlib.hash import argon2

from services.accounts.errors import ServerBusy
from services.accounts.passwords import passwords as module
from services.accounts.passwords.passwords import THREADS, Passwords
from storage.accounts.models import Account


@pytest.fixture(autouse=True)
def _in_earnest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the real password hashes."""
    monkeypatch.setattr("services.accounts.passwords.passwords.argon2", argon2)


WEAK = argon2.using(rounds=1, memory_cost=8, parallelism=1)


class SlowHash:
    """In place of argon2: each hash waits until the test lets it continue."""

    checksum_size = 32

    def __init__(self) -> None:
        self.continues = threading.Event()
        self.running = 0

    def __call__(self, *, use_defaults: bool) -> Any:
        return argon2(use_defaults=use_defaults)

    def hash(self, _: str) -> str:
        self.running += 1
        assert self.continues.wait(60)
        self.running -= 1
        return "hashed"


async def make_account(password_hash: str) -> Account:
    return await Account.create(user_id="ada", name="Ada", email="ada@example.org", password_hash=password_hash)


async def stored(account: Account) -> str:
    return (await Account.get(id=account.id)).password_hash


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_a_password_is_right_and_every_other_one_wrong(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", hashed)
    assert not await passwords.verify("Correct horse", hashed)
    assert not await passwords.verify("", hashed)


async def test_a_hash_is_argon2id_with_a_salt_of_its_own(passwords: Passwords) -> None:
    first, second = await asyncio.gather(passwords.hash("the same"), passwords.hash("the same"))
    assert first != second
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # the second choice of RFC 9106, section 4
    assert "the same" not in first


@pytest.mark.parametrize("odd", ["p\0ssword", "📼" * 4_096])
async def test_any_text_can_be_a_password(passwords: Passwords, odd: str) -> None:
    hashed = await passwords.hash(odd)
    assert await passwords.verify(odd, hashed)
    assert not await passwords.verify(odd[:-1], hashed)


async def test_no_password_is_right_for_a_missing_account(passwords: Passwords) -> None:
    assert not await passwords.verify("a password of no account", None)


def test_a_missing_account_has_a_hash_with_the_parameters_of_new_ones_from_the_start(passwords: Passwords) -> None:
    dummy, hashed = passwords._dummy_hash, argon2.hash("password")
    assert dummy.split("$")[:4] == hashed.split("$")[:4]
    assert len(dummy) == len(hashed)


async def test_a_hash_with_older_parameters_is_replaced_at_sign_in(passwords: Passwords, database: str) -> None:
    account = await make_account(WEAK.hash("correct horse"))
    assert not await passwords.check(account, "wrong horse")
    assert (await stored(account)) == account.password_hash
    assert await passwords.check(account, "correct horse")
    fresh = await stored(account)
    assert fresh.split("$")[:4] == argon2.hash("x").split("$")[:4]
    account.password_hash = fresh
    assert await passwords.check(account, "correct horse")
    assert await stored(account) == fresh


async def test_a_password_that_was_changed_during_a_sign_in_stays_changed(passwords: Passwords, database: str) -> None:
    account = await make_account(WEAK.hash("correct horse"))
    changed = argon2.hash("a newer one")
    await Account.filter(id=account.id).update(password_hash=changed)
    assert await passwords.check(account, "correct horse")
    assert await stored(account) == changed


async def test_a_missing_account_has_no_password(passwords: Passwords) -> None:
    assert not await passwords.check(None, "correct horse")


async def test_a_full_queue_is_busy_and_then_works_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowHash()
    monkeypatch.setattr(module, "argon2", slow)
    passwords = Passwords(waiting=2)
    waiting = [asyncio.create_task(passwords.hash("slow", "192.0.2.1")) for _ in range(THREADS + 2)]
    await asyncio.sleep(0)
    with pytest.raises(ServerBusy):
        await passwords.hash("one too many", "192.0.2.1")
    slow.continues.set()
    assert await asyncio.gather(*waiting) == ["hashed"] * (THREADS + 2)
    assert await passwords.hash("later", "192.0.2.1") == "hashed"
    passwords.close()


async def test_a_cancelled_request_keeps_its_thread_until_the_hash_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowHash()
    monkeypatch.setattr(module, "argon2", slow)
    passwords = Passwords()
    running = [asyncio.create_task(passwords.hash("slow")) for _ in range(THREADS)]
    await asyncio.sleep(0)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    later = asyncio.create_task(passwords.hash("later"))
    await asyncio.sleep(0)
    assert slow.running <= THREADS
    assert not later.done()
    slow.continues.set()
    assert await later == "hashed"
    passwords.close()


async def test_the_loop_continues_while_a_password_is_hashed(passwords: Passwords) -> None:
    hashing = asyncio.ensure_future(passwords.hash("slow"))
    await asyncio.sleep(0)
    assert not hashing.done()
    assert await hashing
