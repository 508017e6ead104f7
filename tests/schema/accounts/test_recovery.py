"""Forgotten and changed passwords as a client meets them."""

import asyncio
from functools import partial

import pytest
import pytest_asyncio

from services.accounts.passwords.hash_queue import HashQueue, known_client
from tests.schema.accounts.credentials import (
    CHANGE_PASSWORD,
    REQUEST_RESET,
    RESET,
    as_anyone,
    as_session,
    code_in,
    codes,
    join,
    mail_to,
    mails_to,
)
from tests.schema.accounts.test_accounts import login, new_user, other_otp, refresh, start
from tests.support.server import PASSWORD, VERIFY, Json, key_of
from tests.support.shared_server import SharedServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESET_SUBJECT = "new CloudKeep password"
NEW = "a new horse battery"


@pytest_asyncio.fixture(loop_scope="module")
async def ada(shared: SharedServer) -> tuple[Json, Json]:
    """A user, and the session of the registration."""
    return await join(shared)


async def request(shared: SharedServer, email: str) -> str:
    """Request a reset, and return its ID."""
    payload = await as_anyone(shared, REQUEST_RESET, email=email)
    assert codes(payload) == []
    return str(payload["reset"]["id"])


async def reset(shared: SharedServer, reset_id: str, otp: str, password: str = NEW) -> list[str]:
    """The codes of the errors of a reset."""
    return codes(await as_anyone(shared, RESET, resetId=reset_id, otp=otp, newPassword=password))


async def test_the_mailed_code_sets_a_new_password(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, _ = ada
    reset_id = await request(shared, f" {user['email'].upper()}")
    code = code_in(await mail_to(shared, user["email"], RESET_SUBJECT))
    assert await reset(shared, reset_id, f"{code[:3]} {code[3:]}") == []
    assert codes(await login(shared, user["userId"], PASSWORD)) == ["INVALID_CREDENTIALS"]
    assert (await login(shared, user["userId"], NEW))["session"]
    assert "changed" in (await mail_to(shared, user["email"], "password was changed")).text


async def test_a_reset_closes_every_session_and_works_once(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, session = ada
    reset_id = await request(shared, user["email"])
    code = code_in(await mail_to(shared, user["email"], RESET_SUBJECT))
    assert await reset(shared, reset_id, code) == []
    assert codes(await refresh(shared, session["refreshToken"])) == ["INVALID_CREDENTIALS"]
    assert await reset(shared, reset_id, code, "yet another one") == ["INVALID_OTP"]
    assert (await login(shared, user["userId"], NEW))["session"]


async def test_an_address_without_an_account_has_the_same_answer_and_gets_no_mail(shared: SharedServer) -> None:
    reset_id = await request(shared, "nobody@example.org")
    assert reset_id.startswith("reset_")
    assert await reset(shared, reset_id, "123456") == ["INVALID_OTP"]
    assert mails_to(shared, "nobody@example.org") == []


async def test_a_code_allows_five_guesses(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, _ = ada
    reset_id = await request(shared, user["email"])
    code = code_in(await mail_to(shared, user["email"], RESET_SUBJECT))
    for _ in range(5):
        assert await reset(shared, reset_id, other_otp(code)) == ["INVALID_OTP"]
    assert await reset(shared, reset_id, code) == ["INVALID_OTP"]


async def test_the_guesses_at_one_code_leave_the_next_code_usable(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, _ = ada
    spent = await request(shared, user["email"])
    first = await mail_to(shared, user["email"], RESET_SUBJECT)
    for _ in range(5):
        await reset(shared, spent, other_otp(code_in(first)))
    reset_id = await request(shared, user["email"])
    await until_mails(shared, user["email"], 3)
    assert await reset(shared, reset_id, code_in(await mail_to(shared, user["email"], RESET_SUBJECT))) == []


async def until_mails(shared: SharedServer, address: str, number: int) -> None:
    async with asyncio.timeout(60):
        while len(mails_to(shared, address)) < number:
            await asyncio.sleep(0.02)


async def test_many_wrong_codes_for_an_address_have_the_error_of_one(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    """An error of its own would tell that the address has an account."""
    user, _ = ada
    seen = set()
    for _ in range(3):
        reset_id = await request(shared, user["email"])
        await mail_to(shared, user["email"], RESET_SUBJECT)
        for _ in range(5):
            seen.update(await reset(shared, reset_id, "000000"))
    assert seen <= {"INVALID_OTP"}


async def test_a_bad_password_is_refused_before_a_guess_is_spent(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, _ = ada
    reset_id = await request(shared, user["email"])
    code = code_in(await mail_to(shared, user["email"], RESET_SUBJECT))
    for password in ("short", "qwertyuiop", "1111111111", "x" * 1_025, "Password123"):
        assert await reset(shared, reset_id, code, password) == ["INVALID_INPUT"]
    for otp in ("", "12345", "abcdef"):
        assert await reset(shared, reset_id, otp) == ["INVALID_INPUT"]
    assert await reset(shared, reset_id, code) == []


async def test_a_password_like_the_user_id_is_refused_only_after_the_right_code(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    """A stranger who tries passwords could find the user ID of an address otherwise."""
    user, _ = ada
    reset_id = await request(shared, user["email"])
    code = code_in(await mail_to(shared, user["email"], RESET_SUBJECT))
    assert await reset(shared, reset_id, other_otp(code), user["userId"]) == ["INVALID_OTP"]
    assert await reset(shared, reset_id, code, user["userId"]) == ["INVALID_INPUT"]
    assert await reset(shared, reset_id, code) == []


async def test_of_two_resets_at_once_one_wins(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, _ = ada
    reset_id = await request(shared, user["email"])
    code = code_in(await mail_to(shared, user["email"], RESET_SUBJECT))
    passwords = ["the first of two", "the second of two"]
    ends = await asyncio.gather(*(reset(shared, reset_id, code, password) for password in passwords))
    assert sorted(ends) == [[], ["INVALID_OTP"]]
    assert (await login(shared, user["userId"], passwords[ends.index([])]))["session"]


async def test_a_malformed_reset_id_and_address_are_refused(shared: SharedServer) -> None:
    assert codes(await as_anyone(shared, REQUEST_RESET, email="x")) == ["INVALID_INPUT"]
    for reset_id in ("", "reset_", "account_01h455vb4pex5vsknk084sn02q"):
        assert await reset(shared, reset_id, "123456") == ["INVALID_OTP"]


async def test_a_few_mails_an_hour_go_to_an_address_and_then_none(shared: SharedServer) -> None:
    ends = [codes(await as_anyone(shared, REQUEST_RESET, email="often@example.org")) for _ in range(7)]
    assert ends[0] == []
    assert ends[-1] == ["TOO_MANY_MAILS"]


async def test_a_change_of_password_keeps_this_session_and_closes_the_others(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    user, other = ada
    session = (await login(shared, user["userId"], PASSWORD))["session"]
    changed = await as_session(shared, session, CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword=NEW)
    assert changed == {"account": {"userId": user["userId"]}, "userErrors": []}
    assert codes(await refresh(shared, other["refreshToken"])) == ["INVALID_CREDENTIALS"]
    assert (await refresh(shared, session["refreshToken"]))["session"]
    assert (await login(shared, user["userId"], NEW))["session"]
    assert "changed" in (await mail_to(shared, user["email"], "password was changed")).text


async def test_a_change_of_password_needs_the_present_one(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, session = ada
    payload = await as_session(shared, session, CHANGE_PASSWORD, currentPassword=NEW, newPassword=NEW)
    assert codes(payload) == ["INVALID_CREDENTIALS"]
    assert payload["userErrors"][0]["field"] == ["input", "currentPassword"]
    assert (await login(shared, user["userId"], PASSWORD))["session"]


async def test_a_stolen_session_cannot_guess_the_password(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, session = ada
    guesses = [
        await as_session(shared, session, CHANGE_PASSWORD, currentPassword=f"guess {number}", newPassword=NEW)
        for number in range(8)
    ]
    assert codes(guesses[-1]) == ["TOO_MANY_ATTEMPTS"]
    assert (await login(shared, user["userId"], PASSWORD))["session"]


@pytest.mark.parametrize("password", ["short", "qwertyuiop", "Ada 123456789"])
async def test_a_change_to_a_bad_password_is_refused(
    shared: SharedServer, ada: tuple[Json, Json], password: str
) -> None:
    _, session = ada
    payload = await as_session(shared, session, CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword=password)
    assert codes(payload) == ["INVALID_INPUT"]
    assert payload["userErrors"][0]["field"] == ["input", "newPassword"]


async def test_of_two_changes_of_password_at_once_one_wins(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, session = ada
    passwords = ["the first of two", "the second of two"]
    ends = await asyncio.gather(
        *(
            as_session(shared, session, CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword=password)
            for password in passwords
        )
    )
    assert sorted(codes(end) for end in ends) == [[], ["INVALID_CREDENTIALS"]]
    winner = passwords[[codes(end) for end in ends].index([])]
    assert (await login(shared, user["userId"], winner))["session"]


async def test_a_change_of_password_ends_the_reset_that_waits(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, session = ada
    reset_id = await request(shared, user["email"])
    code = code_in(await mail_to(shared, user["email"], RESET_SUBJECT))
    await as_session(shared, session, CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword=NEW)
    assert await reset(shared, reset_id, code, "yet another one") == ["INVALID_OTP"]


async def test_a_right_code_waits_for_its_turn_as_its_account(
    shared: SharedServer, ada: tuple[Json, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, session = ada
    reset_id = await request(shared, user["email"])
    code = code_in(await mail_to(shared, user["email"], RESET_SUBJECT))
    waited: list[str] = []
    enter = HashQueue.enter

    async def recorded(self: HashQueue, client: str) -> None:
        waited.append(client)
        await enter(self, client)

    monkeypatch.setattr(HashQueue, "enter", recorded)
    assert await reset(shared, reset_id, code) == []
    assert known_client(key_of(session["account"]["id"])) in waited


async def test_guesses_at_resets_do_not_tell_whether_an_address_has_an_account(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    """Only an address with an account has resets at which guesses are counted. No other answer depends on them."""

    async def guesses_at_a_registration(email: str, *, has_account: bool) -> list[str]:
        for _ in range(2):
            already = len(mails_to(shared, email))
            reset_id = await request(shared, email)
            if has_account:
                await eventually(partial(has_more_mails, shared, email, already))
            for _ in range(5):
                assert await reset(shared, reset_id, "000000") == ["INVALID_OTP"]
        given = {"registrationId": await start(shared, new_user(email=email)), "otp": "000000"}
        return [code for _ in range(5) for code in codes(await as_anyone(shared, VERIFY, **given))]

    unknown = await guesses_at_a_registration("unknown@example.org", has_account=False)
    assert await guesses_at_a_registration(ada[0]["email"], has_account=True) == unknown == ["INVALID_OTP"] * 5


async def has_more_mails(shared: SharedServer, address: str, already: int) -> bool | None:
    return len(mails_to(shared, address)) > already or None
