"""Changes of address as a client meets them."""

import asyncio
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from storage.accounts.models import Session
from tests.schema.accounts.credentials import (
    CONFIRM_CHANGE,
    REQUEST_CHANGE,
    REQUEST_RESET,
    RESET,
    UNDO_CHANGE,
    as_anyone,
    as_session,
    code_in,
    codes,
    join,
    mail_to,
    token_in,
)
from tests.schema.accounts.test_accounts import login, new_user, other_otp, refresh, register
from tests.support.server import PASSWORD, Json, key_of
from tests.support.shared_server import SharedServer

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def ada(shared: SharedServer) -> tuple[Json, Json]:
    """A user, and the session of the registration."""
    return await join(shared)


def fresh_address() -> str:
    """An address that nobody has used."""
    return str(new_user()["email"])


async def request(shared: SharedServer, session: Json, email: str) -> str:
    """Request a change of address, and return its ID."""
    payload = await as_session(shared, session, REQUEST_CHANGE, newEmail=email)
    assert codes(payload) == []
    return str(payload["emailChange"]["id"])


async def confirm(shared: SharedServer, session: Json, change_id: str, otp: str) -> Json:
    return await as_session(shared, session, CONFIRM_CHANGE, emailChangeId=change_id, otp=otp)


async def change(shared: SharedServer, session: Json, old: str, new: str) -> str:
    """Change the address. Returns the token of the mail to the old one."""
    change_id = await request(shared, session, new)
    payload = await confirm(shared, session, change_id, code_in(await mail_to(shared, new, "")))
    assert payload == {"account": {"email": new}, "userErrors": []}
    return token_in(await mail_to(shared, old, "address at CloudKeep was changed"))


async def undo(shared: SharedServer, token: str) -> Json:
    return await as_anyone(shared, UNDO_CHANGE, token=token)


async def test_the_mailed_code_changes_the_address(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, session = ada
    new = fresh_address()
    await change(shared, session, user["email"], new)
    assert (await login(shared, new, PASSWORD))["session"]
    assert codes(await login(shared, user["email"], PASSWORD)) == ["INVALID_CREDENTIALS"]
    assert (await login(shared, user["userId"], PASSWORD))["session"]


async def test_the_old_address_can_undo_the_change_without_a_sign_in(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    user, session = ada
    token = await change(shared, session, user["email"], fresh_address())
    assert await undo(shared, f" {token}\n") == {"email": user["email"], "userErrors": []}
    # The person who changed the address may know the password and have sessions.
    assert codes(await refresh(shared, session["refreshToken"])) == ["INVALID_CREDENTIALS"]
    assert codes(await login(shared, user["userId"], PASSWORD)) == ["INVALID_CREDENTIALS"]
    assert codes(await undo(shared, token)) == ["INVALID_CREDENTIALS"]
    reset = (await as_anyone(shared, REQUEST_RESET, email=user["email"]))["reset"]
    code = code_in(await mail_to(shared, user["email"], "new CloudKeep password"))
    given = {"resetId": reset["id"], "otp": code, "newPassword": "a new horse battery"}
    assert codes(await as_anyone(shared, RESET, **given)) == []
    assert (await login(shared, user["email"], "a new horse battery"))["session"]


async def test_an_undo_works_after_further_changes_and_ends_their_tokens(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    user, session = ada
    second, third = fresh_address(), fresh_address()
    first_token = await change(shared, session, user["email"], second)
    second_token = await change(shared, session, second, third)
    assert (await undo(shared, first_token))["email"] == user["email"]
    assert codes(await undo(shared, second_token)) == ["INVALID_CREDENTIALS"]


async def test_of_two_undos_at_once_one_wins(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, session = ada
    token = await change(shared, session, user["email"], fresh_address())
    ends = await asyncio.gather(*(undo(shared, token) for _ in range(2)))
    assert sorted(codes(end) for end in ends) == [[], ["INVALID_CREDENTIALS"]]


async def test_the_old_address_stays_reserved(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    user, session = ada
    await change(shared, session, user["email"], fresh_address())
    await register(shared, new_user(email=user["email"]))
    assert "already" in (await mail_to(shared, user["email"], "already")).text


async def test_an_address_that_is_taken_has_the_same_answer_and_its_owner_gets_a_mail(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    _, session = ada
    owner, _ = await join(shared)
    change_id = await request(shared, session, owner["email"])
    assert "already" in (await mail_to(shared, owner["email"], "already")).text
    assert codes(await confirm(shared, session, change_id, "123456")) == ["INVALID_OTP"]


async def test_an_address_that_was_taken_meanwhile_is_refused(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    _, session = ada
    new = fresh_address()
    change_id = await request(shared, session, new)
    code = code_in(await mail_to(shared, new, ""))
    await join(shared, email=new)
    assert codes(await confirm(shared, session, change_id, code)) == ["ALREADY_EXISTS"]


async def test_a_change_needs_a_recent_sign_in(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    _, session = ada
    await Session.filter(account_id=key_of(session["account"]["id"])).update(authenticated_at=LONG_AGO)
    payload = await as_session(shared, session, REQUEST_CHANGE, newEmail=fresh_address())
    assert codes(payload) == ["REAUTHENTICATION_REQUIRED"]


async def test_only_the_account_that_requested_a_change_can_confirm_it(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    _, session = ada
    _, stranger = await join(shared)
    new = fresh_address()
    change_id = await request(shared, session, new)
    code = code_in(await mail_to(shared, new, ""))
    assert codes(await confirm(shared, stranger, change_id, code)) == ["INVALID_OTP"]
    assert codes(await confirm(shared, session, change_id, code)) == []


async def test_a_code_allows_five_guesses(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    _, session = ada
    new = fresh_address()
    change_id = await request(shared, session, new)
    code = code_in(await mail_to(shared, new, ""))
    for _ in range(5):
        assert codes(await confirm(shared, session, change_id, other_otp(code))) == ["INVALID_OTP"]
    assert codes(await confirm(shared, session, change_id, code)) == ["INVALID_OTP"]


async def test_the_present_address_and_a_malformed_one_are_refused(
    shared: SharedServer, ada: tuple[Json, Json]
) -> None:
    user, session = ada
    for email in (user["email"], user["email"].upper(), "x", ""):
        assert codes(await as_session(shared, session, REQUEST_CHANGE, newEmail=email)) == ["INVALID_INPUT"]


async def test_an_account_mails_to_a_few_addresses_an_hour(shared: SharedServer, ada: tuple[Json, Json]) -> None:
    _, session = ada
    ends = [codes(await as_session(shared, session, REQUEST_CHANGE, newEmail=fresh_address())) for _ in range(7)]
    assert ends[0] == []
    assert ends[-1] == ["TOO_MANY_MAILS"]


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\ud800", f"{'0' * 32}.{'A' * 43}"])
async def test_any_other_text_is_no_token(shared: SharedServer, token: str) -> None:
    assert codes(await undo(shared, token.encode(errors="replace").decode())) == ["INVALID_CREDENTIALS"]
