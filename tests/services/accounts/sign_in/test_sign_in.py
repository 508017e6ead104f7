"""Sign-in below the API."""

import unicodedata
from uuid import uuid4

import pytest

from services.accounts.errors import AccountDisabled, InvalidCredentials
from services.accounts.passwords.hash_queue import HashQueue, known_client
from services.core.clock import now
from storage.accounts.models import Account, Session
from tests.services.accounts.conftest import CLIENT, EMAIL, World
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import PASSWORD

WRONG = "correct horse batter"


async def errors_of(world: World, *names: str, password: str = WRONG) -> set[str]:
    """What wrong sign-ins with these names say."""
    messages = set()
    for name in names:
        with pytest.raises(InvalidCredentials) as caught:
            await world.accounts().login(name, password)
        messages.add(f"{caught.value.field}: {caught.value}")
    return messages


@pytest.mark.parametrize("name", ["ada", " ADA ", EMAIL, f" {EMAIL.upper()} "])
async def test_user_id_and_address_open_the_same_account(world: World, sink: SmtpSink, name: str) -> None:
    joined = await world.accounts().join(sink)
    assert (await world.accounts().login(name)).account.id == joined.account.id


async def test_a_wrong_password_and_a_missing_account_have_one_error(world: World, sink: SmtpSink) -> None:
    await world.accounts().join(sink)
    names = ("ada", EMAIL, "nobody", "nobody@example.org", "", "@", "a", "x" * 10_000, "x@" * 5_000, "\ud800", "\0@a")
    assert len(await errors_of(world, *names)) == 1


@pytest.mark.parametrize("password", ["", "x" * 1_025, "ﷺ" * 1_024, "\ud800", PASSWORD.upper()])
async def test_what_no_password_can_be_has_the_same_error(world: World, sink: SmtpSink, password: str) -> None:
    await world.accounts().join(sink)
    assert await errors_of(world, "ada", password=password) == await errors_of(world, "nobody")


@pytest.mark.parametrize("password", ["eight ch", "é" * 1_024, "ﬁve words and more"])
async def test_passwords_of_older_rules_still_sign_in(world: World, sink: SmtpSink, password: str) -> None:
    account = (await world.accounts().join(sink)).account
    account.password_hash = await world.passwords.hash(unicodedata.normalize("NFKC", password))
    await account.save()
    assert (await world.accounts().login("ada", password)).account.id == account.id


async def test_only_the_right_password_tells_that_an_account_is_disabled(world: World, sink: SmtpSink) -> None:
    await world.accounts().join(sink)
    await Account.all().update(disabled_at=now())
    sessions = await Session.all().count()
    assert await errors_of(world, "ada") == await errors_of(world, "nobody")
    with pytest.raises(AccountDisabled):
        await world.accounts().login()
    assert await Session.all().count() == sessions


async def test_a_password_is_checked_again_in_a_session(world: World, sink: SmtpSink) -> None:
    opened = await world.accounts().join(sink)
    sign_in = world.accounts().sign_in
    await sign_in.verify_password(opened.account, PASSWORD, opened.session.id)
    with pytest.raises(InvalidCredentials) as caught:
        await sign_in.verify_password(opened.account, WRONG, uuid4(), field="currentPassword")
    assert caught.value.field == "currentPassword"


async def test_a_known_device_waits_for_its_turn_as_its_account(
    world: World, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = world.accounts()
    await accounts.join(sink)
    token = (await accounts.login()).device_token
    waited: list[str] = []
    enter = HashQueue.enter

    async def recorded(self: HashQueue, client: str) -> None:
        waited.append(client)
        await enter(self, client)

    monkeypatch.setattr(HashQueue, "enter", recorded)
    account = (await accounts.login()).account
    await accounts.login(device_token=token)
    await accounts.login(device_token=f"{token}x")
    assert waited == [CLIENT.address, known_client(account.id), CLIENT.address]
