"""Guesses at a password: few of them are verified, nobody can lock an owner out, and the delays tell nothing."""

import asyncio
from uuid import UUID, uuid4

import pytest

from services.accounts.errors import InvalidCredentials, TooManyAttempts
from services.accounts.passwords.passwords import Passwords
from services.accounts.sessions.sessions import Client
from services.accounts.sign_in.sign_in_delays import FREE_IN_TOTAL, FREE_OF_CLIENT
from services.core.clock import now
from storage.accounts.models import Account
from tests.services.accounts.conftest import EMAIL, World
from tests.services.accounts.guesses import ATTACKER, BOTS, OWNER, WRONG, outcome, outcomes
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import PASSWORD

pytestmark = pytest.mark.usefixtures("long_delays")

WRONG_MESSAGE = "User ID, e-mail address or password is wrong."


async def test_a_thousand_guesses_at_once_get_no_more_verifications_than_are_free(
    world: World, sink: SmtpSink, verified: list[str]
) -> None:
    await world.accounts().join(sink)
    accounts = world.accounts()
    ends = await asyncio.gather(*(outcome(accounts) for _ in range(1_000)))
    assert len(verified) == FREE_OF_CLIENT == ends.count("wrong")
    assert ends.count("wait") == 1_000 - FREE_OF_CLIENT


async def test_a_thousand_guesses_of_a_thousand_addresses_get_no_more_than_are_free_in_total(
    world: World, sink: SmtpSink, verified: list[str]
) -> None:
    await world.accounts().join(sink)
    accounts = world.accounts()
    clients = [Client(f"10.0.{number // 256}.{number % 256}") for number in range(1_000)]
    ends = await asyncio.gather(*(outcome(accounts, client=client) for client in clients))
    assert len(verified) == FREE_IN_TOTAL == ends.count("wrong")


async def test_all_networks_of_a_customer_with_ipv6_are_one_client(world: World, verified: list[str]) -> None:
    clients = [Client(f"2001:db8:1:{number:x}::1") for number in range(100)]
    assert (await outcomes(world.accounts(), clients)).count("wrong") == FREE_OF_CLIENT
    assert await outcome(world.accounts(), client=Client("2001:db8:2::1")) == "wrong"


async def test_the_right_password_is_not_verified_during_a_delay(
    world: World, sink: SmtpSink, verified: list[str]
) -> None:
    await world.accounts().join(sink)
    await outcomes(world.accounts(), [ATTACKER] * FREE_OF_CLIENT)
    verified.clear()
    assert await outcome(world.accounts(), password=PASSWORD) == "wait"
    assert verified == []


async def test_one_client_does_not_delay_another_one_and_success_forgets_its_failures(
    world: World, sink: SmtpSink
) -> None:
    await world.accounts().join(sink)
    accounts = world.accounts()
    await outcomes(accounts, [ATTACKER] * 10)
    for _ in range(3):
        await outcomes(accounts, [OWNER] * (FREE_OF_CLIENT - 1))
        assert await outcome(accounts, client=OWNER, password=PASSWORD) == "in"


async def test_a_known_device_signs_in_while_its_own_address_and_hundreds_of_others_guess(
    world: World, sink: SmtpSink
) -> None:
    accounts = world.accounts()
    await accounts.join(sink)
    token = (await accounts.login(client=OWNER)).device_token

    async def flood(client: Client) -> None:
        for name in ("ada", EMAIL) * 5:
            await outcome(accounts, name, client, device_token="A" * 96)

    async def owner() -> None:
        for name in ("ada", EMAIL) * 5:
            assert await outcome(accounts, name, OWNER, PASSWORD) in {"wait", "wrong", "in"}
            assert await outcome(accounts, name, OWNER, PASSWORD, token) == "in"

    await asyncio.gather(owner(), *(flood(client) for client in (OWNER, OWNER, *BOTS)))
    assert await outcome(accounts, client=Client("192.0.2.99"), password=PASSWORD) == "wait"
    assert await outcome(accounts, client=OWNER, password=PASSWORD, device_token=token) == "in"


async def test_an_owner_on_a_new_device_waits_for_a_minute_at_most_however_many_others_guess(
    world: World, sink: SmtpSink
) -> None:
    accounts = world.accounts()
    await accounts.join(sink)

    async def wait() -> float:
        with pytest.raises(TooManyAttempts) as caught:
            await accounts.login(client=OWNER)
        return caught.value.retry_after or 0

    await outcomes(accounts, BOTS[:FREE_IN_TOTAL])
    first = await wait()
    await asyncio.gather(*(outcome(accounts, client=client) for client in BOTS * 4))
    assert await wait() < first <= 60


async def test_wrong_passwords_on_a_known_device_delay_no_other_device(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts()
    await accounts.join(sink)
    first, second = [(await accounts.login()).device_token for _ in range(2)]
    for _ in range(FREE_OF_CLIENT):
        assert await outcome(accounts, client=OWNER, device_token=first) == "wrong"
    # None of them counts for the address, so there all free ones are left.
    assert await outcomes(accounts, [OWNER] * (FREE_OF_CLIENT + 1)) == ["wrong"] * FREE_OF_CLIENT + ["wait"]
    assert await outcome(accounts, client=OWNER, password=PASSWORD, device_token=second) == "in"


async def test_a_stolen_device_token_gives_a_few_guesses_and_does_not_keep_its_device_out(
    world: World, sink: SmtpSink, verified: list[str]
) -> None:
    accounts = world.accounts()
    await accounts.join(sink)
    token = (await accounts.login()).device_token
    verified.clear()
    await asyncio.gather(*(outcome(accounts, client=ATTACKER, device_token=token) for _ in range(100)))
    assert len(verified) == 2 * FREE_OF_CLIENT
    own = (await accounts.login(client=OWNER, device_token=token)).device_token
    assert await outcome(accounts, client=ATTACKER, device_token=token) == "wait"
    # Its new token is for a counter that the thief cannot reach.
    for _ in range(FREE_OF_CLIENT):
        assert await outcome(accounts, client=ATTACKER, device_token=own) == "wrong"


async def test_tokens_that_someone_collected_before_the_password_changed_are_one_client(
    world: World, sink: SmtpSink, verified: list[str]
) -> None:
    accounts = world.accounts()
    await accounts.join(sink)
    tokens = [(await accounts.login(client=ATTACKER)).device_token for _ in range(20)]
    await Account.all().update(password_changed_at=now())
    verified.clear()
    for token in tokens:
        await outcome(accounts, client=ATTACKER, device_token=token)
    assert len(verified) == 2 * FREE_OF_CLIENT


async def test_the_device_token_of_another_account_counts_as_none(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts()
    await accounts.join(sink)
    own = (await accounts.login()).device_token
    await Account.all().update(user_id="eve", email="eve@example.org")
    for name in ("ada", EMAIL, "nobody"):
        ends = [await outcome(accounts, name, Client(f"198.51.100.{name}"), device_token=own) for _ in range(6)]
        assert ends == ["wrong"] * 5 + ["wait"]


@pytest.mark.parametrize("name", ["ada", EMAIL, "nobody", "nobody@example.org"])
async def test_known_and_unknown_names_have_the_same_answers_and_delays(
    world: World, sink: SmtpSink, name: str
) -> None:
    accounts = world.accounts()
    await accounts.join(sink)
    clients = [ATTACKER if number % 2 else BOTS[number] for number in range(50)]
    answers, waits = [], []
    for client in clients:
        with pytest.raises((InvalidCredentials, TooManyAttempts)) as caught:
            await accounts.login(name, WRONG, client)
        answers.append(str(caught.value).partition("Try again")[0])
        waits.append(getattr(caught.value, "retry_after", 0) or 0)
    # Five of the attacker, fifteen of the bots. Then the attacker waits for long, and the bots for a minute.
    assert {answer for answer, wait in zip(answers, waits, strict=True) if not wait} == {WRONG_MESSAGE}
    assert [wait > 0 for wait in waits] == [number >= 29 or (number % 2 == 1 and number > 10) for number in range(50)]
    assert max(waits[::2]) <= 60 < min(waits[11::2]) <= 900


async def test_a_guess_by_user_id_does_not_delay_a_sign_in_by_address(world: World, sink: SmtpSink) -> None:
    """Else the delays would tell which address belongs to a user ID."""
    await world.accounts().join(sink)
    await outcomes(world.accounts(), [ATTACKER] * 10)
    assert await outcome(world.accounts(), EMAIL) == "wrong"
    assert await outcome(world.accounts(), " ADA ") == "wait"


async def test_each_session_has_a_few_guesses_of_its_own(world: World, sink: SmtpSink, verified: list[str]) -> None:
    opened = await world.accounts().join(sink)

    async def guess(session_id: UUID, password: str = WRONG) -> None:
        await world.accounts().sign_in.verify_password(opened.account, password, session_id)

    for _ in range(FREE_OF_CLIENT):
        with pytest.raises(InvalidCredentials):
            await guess(opened.session.id)
    with pytest.raises(TooManyAttempts):
        await guess(opened.session.id, PASSWORD)
    assert len(verified) == FREE_OF_CLIENT
    await guess(uuid4(), PASSWORD)


async def test_a_password_that_could_not_be_verified_is_not_a_failure(
    world: World, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.accounts().join(sink)

    async def broken(*_: object) -> bool:
        raise OSError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(Passwords, "verify", broken)
        for _ in range(100):
            with pytest.raises(OSError, match="away"):
                await world.accounts().login(client=OWNER)
    assert await outcome(world.accounts(), client=OWNER, password=PASSWORD) == "in"


async def test_outcomes_are_counted(world: World, sink: SmtpSink) -> None:
    await world.accounts().join(sink)
    await outcomes(world.accounts(), [ATTACKER] * 8)
    await outcome(world.accounts(), client=OWNER, password=PASSWORD)
    assert world.counters.sign_ins == {"failed": 5, "delayed": 3, "succeeded": 1}
