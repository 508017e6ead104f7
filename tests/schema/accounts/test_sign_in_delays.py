"""Wrong passwords as a client meets them: after a few, every further one has to wait, and is not verified."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.accounts.passwords.passwords import Passwords
from services.accounts.sign_in.sign_in_delays import FREE_OF_CLIENT
from tests.schema.accounts.test_accounts import ERRORS, join, new_user, register
from tests.support.backends.databases import Databases
from tests.support.server import PASSWORD, Api, Json, otp_of
from tests.support.shared_server import SharedServer, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

SESSION = f"{{ session {{ deviceToken account {{ id }} }} {ERRORS} }}"
LOGIN = f"mutation ($input: LoginInput!) {{ login(input: $input) {SESSION} }}"
VERIFY = f"mutation ($input: VerifyOtpInput!) {{ verifyOtp(input: $input) {SESSION} }}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server whose first delay is longer than any test, so that the numbers are exact."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.accounts.sign_in.sign_in_delays.FIRST_SECONDS", 600.0)
        async with shared_server(tmp_path_factory.mktemp("stand"), databases) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="module")
async def ada(shared: SharedServer) -> Json:
    """The input with which a user has registered."""
    user, _ = await join(shared)
    return user


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were compared with a hash."""
    seen: list[str] = []
    verify = Passwords.verify

    async def counted(self: Passwords, password: str, password_hash: str | None, address: str = "") -> bool:
        seen.append(password)
        return await verify(self, password, password_hash, address)

    monkeypatch.setattr(Passwords, "verify", counted)
    return seen


async def login(shared: SharedServer, name: str, password: str, **more: object) -> Json:
    return await Api(shared.http).call(LOGIN, input={"userId": name, "password": password, **more})


def session_of(answer: Json) -> Json:
    (payload,) = answer["data"].values()
    assert payload["userErrors"] == []
    session: Json = payload["session"]
    return session


def code_of(answer: Json) -> str:
    """The code of a refused sign-in."""
    errors = answer.get("errors")
    code: str = errors[0]["extensions"]["code"] if errors else answer["data"]["login"]["userErrors"][0]["code"]
    return code


async def guess_until_delayed(shared: SharedServer, name: str) -> None:
    for _ in range(FREE_OF_CLIENT):
        await login(shared, name, "not the password")
    assert code_of(await login(shared, name, PASSWORD)) == "TOO_MANY_ATTEMPTS"


async def test_a_thousand_guesses_at_once_get_no_more_verifications_than_are_free(
    shared: SharedServer, ada: Json, verified: list[str]
) -> None:
    answers = await asyncio.gather(*(login(shared, ada["userId"], f"guess number {number}") for number in range(1_000)))
    codes = [code_of(answer) for answer in answers]
    assert len(verified) == FREE_OF_CLIENT == codes.count("INVALID_CREDENTIALS")
    assert codes.count("TOO_MANY_ATTEMPTS") == 1_000 - FREE_OF_CLIENT


async def test_the_refusal_says_how_long_to_wait(shared: SharedServer, ada: Json) -> None:
    await guess_until_delayed(shared, ada["email"])
    (error,) = (await login(shared, ada["email"], PASSWORD))["errors"]
    assert 0 < error["extensions"]["retryAfter"] <= 600
    assert "Try again in" in error["message"]


async def test_a_device_that_has_signed_in_before_does_not_wait_for_others(shared: SharedServer, ada: Json) -> None:
    session = session_of(await login(shared, ada["email"], PASSWORD))
    for name in (ada["email"], ada["userId"]):
        await guess_until_delayed(shared, name)
        again = session_of(await login(shared, name, PASSWORD, deviceToken=session["deviceToken"]))
        assert again["account"] == session["account"]


async def test_the_device_that_completes_a_registration_is_known(shared: SharedServer) -> None:
    user = new_user()
    registration = (await register(shared, user))["registration"]
    given = {"registrationId": registration["id"], "otp": otp_of(shared.sink)}
    session = session_of(await Api(shared.http).call(VERIFY, input=given))
    await guess_until_delayed(shared, user["userId"])
    again = session_of(await login(shared, user["userId"], PASSWORD, deviceToken=session["deviceToken"]))
    assert again["account"] == session["account"]
