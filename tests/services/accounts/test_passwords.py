"""Password hashes."""

import asyncio
from collections.abc import Iterator

import pytest
from passlib.hash import argon2

from services.accounts.passwords import Passwords


@pytest.fixture(autouse=True)
def _in_earnest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the real password hashes."""
    monkeypatch.setattr("services.accounts.passwords.argon2", argon2)


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
    assert not await passwords.verify("nobody's password", None)


async def test_the_loop_continues_while_a_password_is_hashed(passwords: Passwords) -> None:
    hashing = asyncio.ensure_future(passwords.hash("slow"))
    await asyncio.sleep(0)
    assert not hashing.done()
    assert await hashing
