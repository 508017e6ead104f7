"""Registration below the API: expiry, rotated keys, limits and races."""

import asyncio
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from services.accounts.errors import InvalidOtp, TooManyMails, TooManyRegistrations
from services.accounts.sessions.sessions import Client
from services.accounts.types import OpenSession
from services.core.errors import AlreadyExists, NotFound
from services.mail.errors import MailUnavailable
from storage.accounts.models import Account, Attempt, Registration, Session
from storage.accounts.registrations import RegistrationLimits
from storage.mail import Mail, open_mailer
from tests.services.accounts.conftest import EMAIL, NEW, OLD, World
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.clock import Clocks
from tests.support.server import PASSWORD, otp_of


async def test_an_expired_otp_is_refused_even_if_it_is_right(world: World, sink: SmtpSink) -> None:
    registration = await world.accounts(otp=-1).register()
    with pytest.raises(InvalidOtp):
        await world.accounts().verify(registration, otp_of(sink))


async def test_an_otp_survives_a_change_of_keys(world: World, sink: SmtpSink) -> None:
    registration = await world.accounts(OLD).register()
    session = await world.accounts(NEW, OLD).verify(registration, otp_of(sink))
    assert session.account.email == EMAIL


async def test_an_otp_dies_with_the_key_that_made_it(world: World, sink: SmtpSink) -> None:
    registration = await world.accounts(OLD).register()
    with pytest.raises(InvalidOtp):
        await world.accounts(NEW).verify(registration, otp_of(sink))


async def test_secrets_are_never_stored_in_the_clear(world: World, sink: SmtpSink) -> None:
    registration = await world.accounts().register()
    otp = otp_of(sink)
    assert otp not in repr((await Registration.all().values())[0].values())
    session = await world.accounts().verify(registration, otp)
    stored = repr([await Account.all().values(), await Session.all().values()])
    assert PASSWORD not in stored
    assert session.refresh_token not in stored
    assert session.refresh_token.partition(".")[2] not in stored


async def test_a_mail_that_cannot_be_sent_leaves_the_earlier_code_valid(world: World, sink: SmtpSink) -> None:
    registration = await world.accounts().register()
    no_server = open_mailer("smtp://127.0.0.1:9?tls=none")
    with pytest.raises(MailUnavailable):
        await world.accounts(mailer=no_server).register()
    assert (await world.accounts().verify(registration, otp_of(sink))).account.user_id == "ada"


class SlowMailer:
    """A mail server that accepts a mail only when it may."""

    def __init__(self) -> None:
        self.mails: asyncio.Queue[Mail] = asyncio.Queue()
        self.may_accept = asyncio.Event()

    async def send(self, mail: Mail) -> None:
        self.mails.put_nowait(mail)
        await self.may_accept.wait()

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_code_that_was_mailed_is_valid_although_its_caller_has_gone(world: World) -> None:
    registration = await world.accounts().register()
    mailer = SlowMailer()
    resending = asyncio.create_task(world.accounts(mailer=mailer).resend(registration))
    mail = await mailer.mails.get()
    resending.cancel()
    mailer.may_accept.set()
    with pytest.raises(asyncio.CancelledError):
        await resending
    code = re.search(r"\b\d{6}\b", mail.text)
    assert code
    assert (await world.accounts().verify(registration, code[0])).account.email == registration.email


async def test_a_mail_that_was_not_sent_does_not_count(world: World) -> None:
    no_server = world.accounts(mailer=open_mailer("smtp://127.0.0.1:9?tls=none"), mails=1)
    for _ in range(3):
        with pytest.raises(MailUnavailable):
            await no_server.register()
    await world.accounts(mails=1).register()
    with pytest.raises(TooManyMails):
        await world.accounts(mails=1).register("countess")


async def test_of_registrations_at_once_for_one_address_as_many_send_a_mail_as_it_may_get(
    world: World, sink: SmtpSink
) -> None:
    accounts = world.accounts(mails=3)
    works = [accounts.register(f"user{number}", client=Client(f"192.0.2.{number}")) for number in range(6)]
    ends = await asyncio.gather(*works, return_exceptions=True)
    assert [type(end) for end in ends].count(TooManyMails) == 3
    assert len(sink.mails) == await Registration.filter(email=EMAIL).count() == 3


@pytest.mark.parametrize("others", ["198.51.100.1", "2001:db8:1::1"])
async def test_one_customer_of_a_provider_leaves_a_mail_to_the_others(
    world: World, sink: SmtpSink, others: str
) -> None:
    accounts = world.accounts(mails=3)
    network = [Client(f"2001:db8:0:{number}::1") for number in range(4)]
    ends = await asyncio.gather(
        *(accounts.register(f"user{number}", client=client) for number, client in enumerate(network)),
        return_exceptions=True,
    )
    assert [type(end) for end in ends].count(TooManyMails) == 2
    await accounts.register("ada", client=Client(others))
    with pytest.raises(TooManyMails):
        await accounts.register("bob", client=Client("203.0.113.1"))
    assert len(sink.mails) == 3


async def test_the_tags_of_an_address_are_one_mailbox_for_the_limit_of_mails(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts(mails=3)
    for number in range(3):
        await accounts.register(f"user{number}", f"ada+{number}@example.org", Client(f"192.0.2.{number}"))
    for address in ("ada@example.org", "ada+x+y@example.org", "ada+@example.org"):
        with pytest.raises(TooManyMails):
            await accounts.register("bob", address, Client("203.0.113.1"))
    for address in ("+ada@example.org", "ada+x@example.com", "bob+ada@example.org"):
        await accounts.register("bob", address, Client("203.0.113.1"))
    assert len(sink.mails) == 6


async def test_a_mail_that_the_address_may_not_get_does_not_count_for_the_client(world: World) -> None:
    accounts = world.accounts(mails=1)
    await accounts.register()
    rows = await Attempt.all().count()
    with pytest.raises(TooManyMails):
        await accounts.register("countess", client=Client("203.0.113.1"))
    assert await Attempt.all().count() == rows


async def test_an_address_is_not_stored_with_its_attempts(world: World) -> None:
    await world.accounts().register()
    assert EMAIL not in repr(await Attempt.all().values())


async def test_a_new_code_is_valid_for_as_long_as_the_first(world: World, clocks: Clocks, sink: SmtpSink) -> None:
    registration = await world.accounts(otp=600).register()
    clocks.passed = timedelta(seconds=590)
    await world.accounts(otp=600).resend(registration)
    clocks.passed = timedelta(seconds=1_180)
    assert (await world.accounts().verify(registration, otp_of(sink))).account.user_id == "ada"


async def test_an_expired_registration_gets_no_new_code(world: World, clocks: Clocks, sink: SmtpSink) -> None:
    registration = await world.accounts(otp=600).register()
    clocks.passed = timedelta(seconds=610)
    with pytest.raises(NotFound):
        await world.accounts().resend(registration)
    assert len(sink.mails) == 1


async def test_a_new_code_that_cannot_be_mailed_leaves_the_one_before_valid(world: World, sink: SmtpSink) -> None:
    registration = await world.accounts().register()
    with pytest.raises(MailUnavailable):
        await world.accounts(mailer=open_mailer("smtp://127.0.0.1:9?tls=none")).resend(registration)
    assert (await world.accounts().verify(registration, otp_of(sink))).account.user_id == "ada"


async def test_the_limits_of_an_address_end_after_an_hour(world: World, clocks: Clocks, sink: SmtpSink) -> None:
    accounts = world.accounts(otp=6_000, mails=1)
    await accounts.register()
    clocks.passed = timedelta(hours=1, seconds=1)
    assert (await accounts.verify(await accounts.register("countess"), otp_of(sink))).account.user_id == "countess"


async def test_two_verifications_at_once_make_one_account_and_one_session(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts()
    registration = await accounts.register()
    both = [accounts.verify(registration, otp_of(sink)) for _ in range(2)]
    ends = await asyncio.gather(*both, return_exceptions=True)
    (refused,) = (end for end in ends if not isinstance(end, OpenSession))
    # The slower one finds the code used.
    assert isinstance(refused, AlreadyExists | InvalidOtp)
    assert (await Account.all().count(), await Session.all().count()) == (1, 1)


async def test_two_people_who_want_one_user_id_cannot_both_have_it(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts()
    pending = []
    for email in ("first@example.org", "second@example.org"):
        registration = await accounts.register(email=email)
        pending.append((registration, otp_of(sink)))
    ends = await asyncio.gather(*(accounts.verify(*each) for each in pending), return_exceptions=True)
    assert sum(isinstance(end, AlreadyExists) for end in ends) == 1
    assert await Account.all().count() == 1


async def test_registrations_at_once_for_one_address_all_wait(world: World) -> None:
    await asyncio.gather(*(world.accounts().register() for _ in range(4)))
    assert await Registration.filter(email=EMAIL).count() == 4


@pytest.mark.sqlite
async def test_a_registration_waits_for_another_process_that_writes(world: World, database: str) -> None:
    with busy_writer(database.removeprefix("sqlite://")):
        for number in range(5):
            await world.accounts().register(f"user{number}", f"user{number}@example.org")
    assert await Registration.filter(user_id__startswith="user").count() == 5


@contextmanager
def busy_writer(path: str) -> Iterator[None]:
    """Another connection to the database that writes all the time, as a worker's does."""
    stop = threading.Event()

    def write() -> None:
        rival = sqlite3.connect(path, timeout=30, isolation_level=None)
        row = ("rival@example.org", "u", "n", "p", "o", 0, "2000-01-01", "2000-01-01", "192.0.2.1")
        while not stop.wait(0.001):
            rival.execute(
                "INSERT OR REPLACE INTO registration (id, email, user_id, name, password_hash, otp_hash, attempts, "
                "expires_at, created_at, network) VALUES ('rival', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        rival.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def test_a_registration_too_many_is_refused_without_a_mail(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts(registrations=RegistrationLimits(9, 2))

    async def register_from(address: str, name: str) -> None:
        await accounts.register(name, f"{name}@example.org", Client(address))

    for number in range(2):
        await register_from(f"2001:db8:0:{number}::1", f"user{number}")
    mails = len(sink.mails)
    with pytest.raises(TooManyRegistrations):
        await register_from("2001:db8::ffff", "user2")
    assert len(sink.mails) == mails
    await register_from("2001:db8:1::1", "user2")


async def test_a_completed_registration_makes_space_for_another(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts(registrations=RegistrationLimits(1, 1))
    await accounts.join(sink)
    await accounts.register("bob", "bob@example.org")
    with pytest.raises(TooManyRegistrations):
        await accounts.register("eve", "eve@example.org")


async def test_the_limits_do_not_show_which_addresses_have_accounts(world: World, sink: SmtpSink) -> None:
    """An address with an account takes as much of the limit as one without, and no code completes it."""
    accounts = world.accounts(registrations=RegistrationLimits(2, 2))
    await accounts.join(sink)
    registration = await accounts.register("eve", EMAIL)
    assert await Registration.all().count() == 1
    with pytest.raises(InvalidOtp):
        await accounts.verify(registration, "123456")
    await accounts.register("bob", "bob@example.org")
    for email in (EMAIL, "zoe@example.org"):
        with pytest.raises(TooManyRegistrations):
            await accounts.register("zoe", email)
