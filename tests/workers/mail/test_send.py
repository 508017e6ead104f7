"""The job that sends a mail of the outbox, with a real mail server that fails in every way."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.counters import Counters
from services.core.keys import SecretKey
from services.mail.kinds import EmailChangedMail, MailContent, PasswordChangedMail
from services.mail.tokens import mail_token
from storage.database.connection import atomically
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.mail import Mailer, open_mailer
from storage.outbox import outbox
from storage.outbox.models import OutboxMail
from tests.support.backends.smtp_sink import SmtpSink, Stage
from tests.support.mail import KEY, mail_sender, outgoing_mails
from tests.support.waiting import eventually
from tests.workers.conftest import Start
from workers.job_context import JobContext
from workers.mail import send as sending
from workers.mail.send import MAIL, PATIENCE, pause_after, send

ADA = "ada@example.org"
CHANGED = PasswordChangedMail()
ROOT = Path(__file__).parents[3]
#: Sends the next mail, and is killed once the mail server has accepted it.
KILLED = """
import asyncio, os, signal, sys
from datetime import timedelta
from types import SimpleNamespace
from services.core.clock import now
from services.core.counters import Counters
from storage.database.connection import open_database
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.mail import open_mailer
from storage.outbox import outbox
from tests.support.mail import outgoing_mails
from workers.mail.send import send

async def main(database_url, mail_url):
    await open_database(database_url)
    job = await jobs.claim([JobKind.MAIL], "killed", timedelta(seconds=0.1), now())
    outbox.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    await send(job, SimpleNamespace(mails=outgoing_mails(open_mailer(mail_url)), counters=Counters()))

asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True)
class Bench:
    """A worker's resources, and the sender that fills its outbox."""

    context: JobContext
    start: Start
    mailer: Mailer

    async def put(self, content: MailContent = CHANGED) -> OutboxMail:
        """Store a mail, as a change of an account does."""
        mail = mail_sender(self.mailer).outgoing(content, to=ADA, locale="de")
        await atomically(lambda: outbox.enqueue(mail, now()))
        return mail

    async def attempt(self, mail: OutboxMail) -> Job:
        """Run the job once as a worker does, and return it afterwards."""
        counted = sum(self.counted().values())

        async def over() -> Job | None:
            job = await jobs.find(JobKind.MAIL, mail.id)
            if job is None or job.state is JobState.RUNNING:
                return None
            return job if sum(self.counted().values()) > counted else None

        async with self.start(lambda job: send(job, self.context), JobKind.MAIL, max_attempts=MAIL.max_attempts):
            return await eventually(over)

    def counted(self) -> dict[str, int]:
        """The outcomes of all attempts."""
        return {outcome: number for (_, outcome), number in self.context.counters.mails.items()}


@pytest.fixture
async def bench(context: JobContext, start: Start, sink: SmtpSink) -> AsyncIterator[Bench]:
    """A worker for the sink."""
    mailer = open_mailer(f"smtp://127.0.0.1:{sink.port}?tls=none")
    yield Bench(replace(context, mails=outgoing_mails(mailer), counters=Counters()), start, mailer)
    await mailer.close()


async def test_a_mail_of_the_outbox_is_sent_in_its_language_and_recorded(bench: Bench, sink: SmtpSink) -> None:
    mail = await bench.put()
    job = await bench.attempt(mail)
    (received,) = sink.mails
    assert received.recipients == [ADA]
    assert received.message["Subject"] == "Dein Passwort bei CloudKeep wurde geändert"
    assert received.message["Message-ID"] == f"<{mail.id}@[127.0.0.1]>"
    assert job.state is JobState.DONE
    assert (await OutboxMail.get(id=mail.id)).sent_at
    assert bench.context.counters.mails == {("password_changed", "sent"): 1}


async def test_a_token_is_made_when_the_mail_is_sent(bench: Bench, sink: SmtpSink) -> None:
    change = UUID(int=7)
    mail = await bench.put(EmailChangedMail(change, days=7))
    await bench.attempt(mail)
    assert mail_token(KEY, EmailChangedMail.kind, change) in sink.mails[0].text


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        (Stage.MAIL, "530 5.7.0 authentication required"),
        (Stage.RCPT, "451 4.2.1 mailbox busy"),
        (Stage.DATA, "421 4.3.2 going down"),
        (Stage.CONTENT, "451 4.3.0 try again"),
    ],
)
async def test_a_refusal_that_may_pass_postpones_the_mail(
    bench: Bench, sink: SmtpSink, stage: Stage, reply: str
) -> None:
    mail = await bench.put()
    sink.replies[stage] = [reply]
    job = await bench.attempt(mail)
    assert job.state is JobState.QUEUED
    assert timedelta(seconds=50) < job.run_after - now() <= timedelta(minutes=1)
    assert job.error_message
    assert reply[:3] in job.error_message
    await Job.filter(id=job.id).update(run_after=now())
    assert (await bench.attempt(mail)).state is JobState.DONE
    assert len(sink.mails) == 1
    assert bench.counted() == {"retried": 1, "sent": 1}


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.ACCEPTED])
async def test_a_dropped_connection_postpones_the_mail(bench: Bench, sink: SmtpSink, stage: Stage) -> None:
    mail = await bench.put()
    sink.drop_at = stage
    assert (await bench.attempt(mail)).state is JobState.QUEUED
    sink.drop_at = None
    await Job.filter(subject_id=mail.id).update(run_after=now())
    assert (await bench.attempt(mail)).state is JobState.DONE
    assert len(sink.mails) == 1


async def test_a_reply_that_is_lost_sends_a_copy_with_the_same_message_id(bench: Bench, sink: SmtpSink) -> None:
    mail = await bench.put()
    sink.drop_at = Stage.ACCEPTED
    assert (await bench.attempt(mail)).state is JobState.QUEUED
    sink.drop_at = None
    await Job.filter(subject_id=mail.id).update(run_after=now())
    await bench.attempt(mail)
    first, copy = sink.mails
    assert first.message["Message-ID"] == copy.message["Message-ID"]
    assert first.text == copy.text


async def test_a_worker_that_is_killed_after_the_mail_was_accepted_causes_a_copy_with_the_same_message_id(
    bench: Bench, sink: SmtpSink, database_url: str
) -> None:
    mail = await bench.put()
    mail_url = f"smtp://127.0.0.1:{sink.port}?tls=none"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, database_url, mail_url, cwd=ROOT, env=environment
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    assert len(sink.mails) == 1
    assert (await bench.attempt(mail)).state is JobState.DONE
    first, copy = sink.mails
    assert first.message["Message-ID"] == copy.message["Message-ID"]


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.CONTENT])
async def test_a_final_refusal_ends_the_mail_and_keeps_the_reason(bench: Bench, sink: SmtpSink, stage: Stage) -> None:
    mail = await bench.put()
    sink.replies[stage] = ["550 5.1.1 no"]
    job = await bench.attempt(mail)
    failed = await eventually(lambda: Job.get_or_none(id=job.id, state=JobState.FAILED))
    assert failed.error_code == "MAIL_UNAVAILABLE"
    assert failed.error_message
    assert "550 5.1.1" in failed.error_message
    assert (await OutboxMail.get(id=mail.id)).sent_at is None
    assert bench.counted() == {"refused": 1}


async def test_a_mail_is_given_up_after_three_days(bench: Bench, sink: SmtpSink) -> None:
    mail = await bench.put()
    await OutboxMail.filter(id=mail.id).update(created_at=now() - PATIENCE)
    job = await bench.attempt(mail)
    failed = await eventually(lambda: Job.get_or_none(id=job.id, state=JobState.FAILED))
    assert failed.error_code == "MAIL_UNAVAILABLE"
    assert bench.counted() == {"given_up": 1}
    assert sink.mails == []


async def test_a_worker_without_the_secret_key_of_a_token_leaves_the_mail_to_others(
    bench: Bench, sink: SmtpSink
) -> None:
    mail = await bench.put(EmailChangedMail(UUID(int=7), days=7))
    other = outgoing_mails(bench.mailer, SecretKey("other", b"x" * 40))
    without_key = replace(bench, context=replace(bench.context, mails=other))
    job = await without_key.attempt(mail)
    assert job.state is JobState.QUEUED
    assert "CLOUDKEEP_SECRET_KEYS" in (job.error_message or "")
    assert sink.mails == []


async def test_a_mail_that_is_gone_or_was_sent_is_not_sent(bench: Bench, sink: SmtpSink) -> None:
    sent, gone = await bench.put(), await bench.put()
    await OutboxMail.filter(id=sent.id).update(sent_at=now())
    await OutboxMail.filter(id=gone.id).delete()

    async def all_done() -> bool:
        return await Job.filter(state=JobState.DONE).count() == 2

    async with bench.start(lambda job: send(job, bench.context), JobKind.MAIL):
        await eventually(all_done)
    assert sink.mails == []


async def test_two_workers_send_each_mail_once(bench: Bench, sink: SmtpSink) -> None:
    mails = {str((await bench.put()).id) for _ in range(20)}

    async def all_done() -> bool:
        return await Job.filter(state=JobState.DONE).count() == 20

    def handler(job: Job) -> asyncio.Future[None]:
        return asyncio.ensure_future(send(job, bench.context))

    async with (
        bench.start(handler, JobKind.MAIL, name="one", concurrency=4),
        bench.start(handler, JobKind.MAIL, name="two", concurrency=4),
    ):
        await eventually(all_done)
    received = [mail.message["Message-ID"].strip("<>").partition("@")[0] for mail in sink.mails]
    assert sorted(received) == sorted(mails)


def test_the_pauses_grow_from_a_minute_to_six_hours() -> None:
    minutes = [pause_after(attempts) / timedelta(minutes=1) for attempts in range(1, 13)]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    assert pause_after(10**6) == sending.LONGEST_PAUSE


def test_there_are_enough_attempts_for_all_the_time_that_a_mail_has() -> None:
    assert MAIL.max_attempts
    assert sum((pause_after(attempts) for attempts in range(1, MAIL.max_attempts)), timedelta()) > PATIENCE
