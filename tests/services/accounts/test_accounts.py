"""Accounts and sessions below the API: expiry, rotated keys, and races."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cloudkeep.resources import clock_file
from cloudkeep.resources.clock_sync import synchronized_clock
from services.accounts.accounts import DEFAULT_LIMITS, REPEATABLE, AccountLimits, Accounts, Lifetimes
from services.accounts.errors import (
    InvalidCredentials,
    InvalidOtp,
    MailUnavailable,
    TooManyRegistrations,
    Unauthenticated,
)
from services.accounts.passwords import Passwords
from services.accounts.tokens import AccessTokens
from services.accounts.types import OpenSession
from services.core.errors import AlreadyExists
from services.core.keys import SecretKey
from storage.accounts.accounts import RegistrationLimits
from storage.accounts.models import Account, Registration, Session
from storage.mail import Mailer, open_mailer
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.clock import Clocks
from tests.support.server import PASSWORD, otp_of

OLD = SecretKey("old", b"the secret that everything began with")
NEW = SecretKey("new", b"the secret that came in its place ...")
EMAIL = "ada@example.org"


class World:
    """Accounts under changing circumstances; the database and the mails stay."""

    def __init__(self, mailer: Mailer, passwords: Passwords) -> None:
        self._mailer = mailer
        self._passwords = passwords

    def accounts(
        self,
        *keys: SecretKey,
        otp: int = 600,
        session: int = 3_600,
        mailer: Mailer | None = None,
        limits: AccountLimits = DEFAULT_LIMITS,
    ) -> Accounts:
        keys = keys or (OLD,)
        tokens = AccessTokens(keys, timedelta(minutes=15))
        lifetimes = Lifetimes(timedelta(seconds=otp), timedelta(seconds=session))
        return Accounts(mailer or self._mailer, self._passwords, tokens, keys, lifetimes, limits)


@pytest.fixture
async def world(database: str, sink: SmtpSink) -> AsyncIterator[World]:
    mailer, passwords = open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none"), Passwords()
    yield World(mailer, passwords)
    passwords.close()
    await mailer.close()


async def register(accounts: Accounts, user_id: str = "ada", email: str = EMAIL) -> None:
    await accounts.register(user_id=user_id, user_name="Ada", email=email, password=PASSWORD)


async def join(accounts: Accounts, sink: SmtpSink) -> OpenSession:
    await register(accounts)
    return await accounts.verify_otp(email=EMAIL, otp=otp_of(sink))


async def test_an_expired_otp_is_refused_even_if_it_is_right(world: World, sink: SmtpSink) -> None:
    await register(world.accounts(otp=-1))
    with pytest.raises(InvalidOtp):
        await world.accounts().verify_otp(email=EMAIL, otp=otp_of(sink))


async def test_an_otp_survives_a_change_of_keys(world: World, sink: SmtpSink) -> None:
    await register(world.accounts(OLD))
    session = await world.accounts(NEW, OLD).verify_otp(email=EMAIL, otp=otp_of(sink))
    assert session.account.email == EMAIL


async def test_an_otp_dies_with_the_key_that_made_it(world: World, sink: SmtpSink) -> None:
    await register(world.accounts(OLD))
    with pytest.raises(InvalidOtp):
        await world.accounts(NEW).verify_otp(email=EMAIL, otp=otp_of(sink))


async def test_secrets_are_never_stored_in_the_clear(world: World, sink: SmtpSink) -> None:
    await register(world.accounts())
    otp = otp_of(sink)
    assert otp not in repr((await Registration.all().values())[0].values())
    session = await world.accounts().verify_otp(email=EMAIL, otp=otp)
    stored = repr([await Account.all().values(), await Session.all().values()])
    assert PASSWORD not in stored
    assert session.refresh_token not in stored
    assert session.refresh_token.partition(".")[2] not in stored


async def test_a_mail_that_cannot_be_sent_leaves_the_earlier_code_valid(world: World, sink: SmtpSink) -> None:
    await register(world.accounts())
    no_server = open_mailer("smtp://127.0.0.1:9?tls=none")
    with pytest.raises(MailUnavailable):
        await register(world.accounts(mailer=no_server))
    assert (await world.accounts().verify_otp(email=EMAIL, otp=otp_of(sink))).account.user_id == "ada"


async def test_two_verifications_at_once_make_one_account_and_one_session(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts()
    await register(accounts)
    both = [accounts.verify_otp(email=EMAIL, otp=otp_of(sink)) for _ in range(2)]
    ends = await asyncio.gather(*both, return_exceptions=True)
    (refused,) = (end for end in ends if not isinstance(end, OpenSession))
    # The slower one finds the code used.
    assert isinstance(refused, AlreadyExists | InvalidOtp)
    assert (await Account.all().count(), await Session.all().count()) == (1, 1)


async def test_two_people_who_want_one_user_id_cannot_both_have_it(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts()
    codes = {}
    for email in ("first@example.org", "second@example.org"):
        await register(accounts, email=email)
        codes[email] = otp_of(sink)
    ends = await asyncio.gather(
        *(accounts.verify_otp(email=email, otp=otp) for email, otp in codes.items()), return_exceptions=True
    )
    assert sum(isinstance(end, AlreadyExists) for end in ends) == 1
    assert await Account.all().count() == 1


async def test_registrations_at_once_for_one_address_leave_one_code(world: World) -> None:
    await asyncio.gather(*(register(world.accounts()) for _ in range(4)))
    assert await Registration.all().count() == 1


@pytest.mark.sqlite
async def test_a_registration_waits_for_another_process_that_writes(world: World, database: str) -> None:
    with busy_writer(database.removeprefix("sqlite://")):
        for number in range(5):
            await register(world.accounts(), f"user{number}", f"user{number}@example.org")
    assert await Registration.filter(user_id__startswith="user").count() == 5


async def test_a_session_that_was_not_used_for_too_long_is_over(world: World, sink: SmtpSink) -> None:
    session = await join(world.accounts(session=-1), sink)
    with pytest.raises(InvalidCredentials):
        await world.accounts().refresh(session.refresh_token)


@pytest.fixture
def later(clocks: Clocks) -> Callable[[timedelta], None]:
    """Advance the time."""
    return lambda by: setattr(clocks, "passed", by)


@pytest.mark.parametrize("days", [8, -8])
async def test_sessions_live_as_long_on_a_host_with_a_wrong_clock(
    tmp_path: Path, world: World, sink: SmtpSink, clocks: Clocks, days: int
) -> None:
    accounts = world.accounts()
    token = (await join(accounts, sink)).refresh_token
    clocks.host = timedelta(days=days)
    async with synchronized_clock(tmp_path / clock_file.NAME):
        session = await accounts.refresh(token)
        assert accounts.authenticate(session.access_token).account_id == session.account.id
        clocks.host = timedelta(0)
        assert not await is_over(accounts, session.refresh_token)
        assert await accounts.find_session(session.session.id)
        clocks.passed = timedelta(seconds=3_700)
        assert await accounts.find_session(session.session.id) is None


@pytest.mark.parametrize("minutes", [7, -7])
async def test_access_tokens_are_valid_on_a_host_that_is_minutes_off(
    tmp_path: Path, world: World, sink: SmtpSink, clocks: Clocks, minutes: int
) -> None:
    clocks.host = timedelta(minutes=minutes)
    async with synchronized_clock(tmp_path / clock_file.NAME):
        wrong = await join(world.accounts(), sink)
        clocks.host = timedelta(0)
        right = await world.accounts().refresh(wrong.refresh_token)
        assert world.accounts().authenticate(wrong.access_token).account_id == wrong.account.id
        clocks.host = timedelta(minutes=minutes)
        assert world.accounts().authenticate(right.access_token).account_id == right.account.id
        clocks.passed = timedelta(minutes=16)
        with pytest.raises(Unauthenticated):
            world.accounts().authenticate(right.access_token)


async def is_over(accounts: Accounts, token: str) -> bool:
    try:
        await accounts.refresh(token)
    except InvalidCredentials:
        return True
    return False


async def test_simultaneous_refreshes_keep_the_session_and_give_one_successor(world: World, sink: SmtpSink) -> None:
    """Also while one process after another gets a new lifetime for sessions."""
    before, after = world.accounts(), world.accounts(session=7_200)
    token = (await join(before, sink)).refresh_token
    found = await asyncio.gather(*(accounts.refresh(token) for accounts in (before, after) * 4))
    (fresh,) = {session.refresh_token for session in found}
    assert fresh != token
    assert await Session.all().count() == 1
    assert not await is_over(before, fresh)


async def test_a_refresh_whose_answer_was_lost_can_be_made_again_and_the_session_continues(
    world: World, sink: SmtpSink, later: Callable[[timedelta], None]
) -> None:
    accounts = world.accounts()
    token = (await join(accounts, sink)).refresh_token
    lost = await accounts.refresh(token)
    later(REPEATABLE - timedelta(seconds=5))
    found = await accounts.refresh(token)
    assert found.refresh_token == lost.refresh_token
    assert not await is_over(accounts, found.refresh_token)


@pytest.mark.parametrize("lifetime", [60, 90 * 24 * 3_600])
async def test_a_refresh_is_made_again_after_a_change_of_the_lifetime_of_sessions(
    world: World, sink: SmtpSink, lifetime: int
) -> None:
    token = (await join(world.accounts(), sink)).refresh_token
    lost = await world.accounts().refresh(token)
    assert (await world.accounts(session=lifetime).refresh(token)).refresh_token == lost.refresh_token


async def test_a_change_of_the_lifetime_of_sessions_does_not_let_an_old_refresh_be_made_again(
    world: World, sink: SmtpSink, later: Callable[[timedelta], None]
) -> None:
    token = (await join(world.accounts(session=3_600), sink)).refresh_token
    await world.accounts(session=3_600).refresh(token)
    later(timedelta(seconds=1_800))
    assert await is_over(world.accounts(session=1_800), token)


async def test_a_refresh_is_made_again_after_a_change_of_keys(world: World, sink: SmtpSink) -> None:
    token = (await join(world.accounts(OLD), sink)).refresh_token
    lost = await world.accounts(OLD).refresh(token)
    assert (await world.accounts(NEW, OLD).refresh(token)).refresh_token == lost.refresh_token


async def test_a_refresh_token_that_is_used_again_later_closes_its_session(
    world: World, sink: SmtpSink, later: Callable[[timedelta], None]
) -> None:
    accounts = world.accounts()
    token = (await join(accounts, sink)).refresh_token
    fresh = await accounts.refresh(token)
    later(REPEATABLE + timedelta(seconds=5))
    assert await is_over(accounts, token)
    assert await is_over(accounts, fresh.refresh_token)


async def test_to_refresh_again_does_not_prolong_the_time_in_which_that_can_be_done(
    world: World, sink: SmtpSink, later: Callable[[timedelta], None]
) -> None:
    accounts = world.accounts()
    token = (await join(accounts, sink)).refresh_token
    await accounts.refresh(token)
    later(REPEATABLE - timedelta(seconds=5))
    await accounts.refresh(token)
    later(REPEATABLE + timedelta(seconds=5))
    assert await is_over(accounts, token)


async def test_a_refresh_token_whose_successor_was_used_closes_its_session_at_once(
    world: World, sink: SmtpSink
) -> None:
    accounts = world.accounts()
    first = (await join(accounts, sink)).refresh_token
    second = (await accounts.refresh(first)).refresh_token
    newest = (await accounts.refresh(second)).refresh_token
    assert await is_over(accounts, first)
    assert await is_over(accounts, newest)


async def test_what_was_never_a_refresh_token_of_a_session_is_not_given_one(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts()
    token = (await join(accounts, sink)).refresh_token
    await accounts.refresh(token)
    assert await is_over(accounts, f"{token}x")


async def test_garbage_is_no_refresh_token(world: World) -> None:
    for garbage in ("", ".", "x.y", "\0", "\ud800", "00000000-0000-0000-0000-000000000000.x", "." * 99):
        with pytest.raises(InvalidCredentials):
            await world.accounts().refresh(garbage)


async def test_an_unknown_user_cannot_sign_in(world: World) -> None:
    with pytest.raises(InvalidCredentials, match="User ID or password is wrong"):
        await world.accounts().login(user_id="nobody", password=PASSWORD)


@contextmanager
def busy_writer(path: str) -> Iterator[None]:
    """Another connection to the database that writes all the time, as a worker's does."""
    stop = threading.Event()

    def write() -> None:
        rival = sqlite3.connect(path, timeout=30, isolation_level=None)
        row = ("u", "n", "p", "o", 0, "2000-01-01")
        while not stop.wait(0.001):
            rival.execute(
                "INSERT OR REPLACE INTO registration VALUES ('rival@example.org', ?, ?, ?, ?, ?, ?, NULL)", row
            )
        rival.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def test_one_session_too_many_signs_out_the_device_that_was_idle_for_longest(
    world: World, sink: SmtpSink
) -> None:
    accounts = world.accounts(limits=AccountLimits(sessions=2))
    first = await join(accounts, sink)
    second = await accounts.login(user_id="ada", password=PASSWORD)
    first = await accounts.refresh(first.refresh_token)
    third = await accounts.login(user_id="ada", password=PASSWORD)
    with pytest.raises(InvalidCredentials):
        await accounts.refresh(second.refresh_token)
    for session in (first, third):
        assert (await accounts.refresh(session.refresh_token)).account.user_id == "ada"


def few(total: int, network: int) -> AccountLimits:
    return AccountLimits(registrations=RegistrationLimits(total, network))


async def test_a_registration_too_many_is_refused_without_a_mail(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts(limits=few(9, 2))

    async def register_from(address: str, name: str) -> None:
        email = f"{name}@example.org"
        await accounts.register(user_id=name, user_name=name, email=email, password=PASSWORD, address=address)

    for number in range(2):
        await register_from(f"2001:db8::{number}", f"user{number}")
    mails = len(sink.mails)
    with pytest.raises(TooManyRegistrations):
        await register_from("2001:db8::ffff", "user2")
    assert len(sink.mails) == mails
    await register_from("2001:db8:0:1::1", "user2")
    await register_from("2001:db8::1", "user1")


async def test_a_completed_registration_makes_space_for_another(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts(limits=few(1, 1))
    await join(accounts, sink)
    await register(accounts, "bob", "bob@example.org")
    with pytest.raises(TooManyRegistrations):
        await register(accounts, "eve", "eve@example.org")


async def test_the_limits_do_not_show_which_addresses_have_accounts(world: World, sink: SmtpSink) -> None:
    """An address with an account takes as much of the limit as one without, and no code completes it."""
    accounts = world.accounts(limits=few(2, 2))
    await join(accounts, sink)
    await register(accounts, "eve", EMAIL)
    assert await Registration.all().count() == 1
    with pytest.raises(InvalidOtp):
        await accounts.verify_otp(email=EMAIL, otp="123456")
    await register(accounts, "bob", "bob@example.org")
    for email in (EMAIL, "bob@example.org"):
        await register(accounts, "eve", email)
    with pytest.raises(TooManyRegistrations):
        await register(accounts, "zoe", "zoe@example.org")
