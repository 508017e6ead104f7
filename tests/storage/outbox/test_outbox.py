"""The outbox: a mail and its job are stored with the change that they are about, or not at all."""

from datetime import timedelta
from uuid import UUID

import pytest

from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.outbox import outbox
from storage.outbox.models import OutboxMail
from tests.storage.rows import LATER, NOW, claim, new_account

DAY = timedelta(days=1)


def a_mail(account_id: UUID | None = None) -> OutboxMail:
    params = {"days": 7, "words": "ü ✓ 日本"}
    return OutboxMail(account_id=account_id, recipient="ada@example.org", kind="x", locale="de-AT", params=params)


async def stored(account_id: UUID | None = None) -> OutboxMail:
    mail = a_mail(account_id)
    await atomically(lambda: outbox.enqueue(mail, NOW))
    return mail


async def test_a_mail_is_stored_with_its_job(database: str) -> None:
    account = await new_account()
    mail = await stored(account.id)
    found = await outbox.find(mail.id)
    assert found
    assert (found.account_id, found.recipient, found.params) == (account.id, mail.recipient, mail.params)
    assert (found.kind, found.locale, found.created_at, found.sent_at) == ("x", "de-AT", NOW, None)
    assert (await claim(JobKind.MAIL)).subject_id == mail.id


async def test_a_change_that_is_rolled_back_leaves_no_mail(database: str) -> None:
    async def work() -> None:
        await outbox.enqueue(a_mail(), NOW)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await atomically(work)
    assert await OutboxMail.all().count() == await Job.all().count() == 0


async def test_a_transaction_that_runs_twice_stores_one_mail(database: str) -> None:
    mail, runs = a_mail(), 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await outbox.enqueue(mail, NOW)
        if runs == 1:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await atomically(work)
    await atomically(work)
    assert await OutboxMail.all().count() == await Job.all().count() == 1


async def test_a_mail_that_was_sent_is_recorded_with_the_end_of_its_job(database: str) -> None:
    mail = await stored()
    job = await claim(JobKind.MAIL)
    assert await outbox.finish(job, LATER)
    assert (await OutboxMail.get(id=mail.id)).sent_at == LATER
    assert (await Job.get(id=job.id)).state is JobState.DONE


async def test_a_worker_that_lost_its_lease_records_nothing(database: str) -> None:
    mail = await stored()
    late = await claim(JobKind.MAIL)
    await claim(JobKind.MAIL, owner="another", moment=NOW + DAY)
    assert not await outbox.finish(late, LATER)
    assert (await OutboxMail.get(id=mail.id)).sent_at is None


async def test_mails_that_were_sent_and_mails_that_are_too_old_are_purged_with_their_jobs(database: str) -> None:
    sent, waiting = await stored(), await stored()
    other_job = await jobs.find(JobKind.MAIL, waiting.id)
    await OutboxMail.filter(id=sent.id).update(sent_at=NOW)
    assert await outbox.purge(sent_before=NOW, created_before=NOW) == 0
    assert await outbox.purge(sent_before=NOW + DAY, created_before=NOW) == 1
    assert await OutboxMail.all().values_list("id", flat=True) == [waiting.id]
    assert [job.id for job in await Job.all()] == [other_job.id if other_job else None]
    assert await outbox.purge(sent_before=NOW, created_before=NOW + DAY) == 1
    assert await OutboxMail.all().count() == await Job.all().count() == 0


async def test_a_purge_deletes_a_limited_number(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    for _ in range(5):
        await stored()
    counts = [await outbox.purge(NOW, NOW + DAY) for _ in range(4)]
    assert counts == [2, 2, 1, 0]


async def test_a_purge_leaves_the_jobs_of_uploads(database: str) -> None:
    mail = await stored()
    await atomically(lambda: jobs.enqueue(JobKind.COMPRESS, mail.id, NOW))
    await outbox.purge(NOW, NOW + DAY)
    assert [job.kind for job in await Job.all()] == [JobKind.COMPRESS]


async def test_the_mails_of_an_account_end_with_it(database: str) -> None:
    account = await new_account()
    await stored(account.id)
    kept = await stored()
    await Account.filter(id=account.id).delete()
    assert await OutboxMail.all().values_list("id", flat=True) == [kept.id]
