"""A Redis that hangs: it delays the first request by its timeout, and the others not at all."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from cloudkeep.resources.mail import load_mail_templates
from cloudkeep.resources.resources import connected_database
from cloudkeep.resources.services import open_services
from cloudkeep.settings.settings import Settings
from services.budgets.limits import Payer
from services.container import Services
from services.core.counters import Counters
from services.uploads.ingest import slot_authorization
from services.uploads.types import NewUpload
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.redis.valkey import EmbeddedValkey
from storage.uploads.models import Upload, UploadStatus
from tests.storage.rows import NOW, new_account
from tests.support.faults.hanging import hanging

CHUNK = 65_536
CHUNKS = 20
ADDRESS = "192.0.2.1"
#: The calls that may be under way when Redis stops to answer: that of the budgets, an event, a reader of events.
FEW = 4
#: Seconds. Far less than a wait of ten seconds for each chunk would take.
PATIENCE = 60


@pytest.fixture
async def services(settings: Settings, valkey: EmbeddedValkey) -> AsyncIterator[Services]:
    quick = settings.model_copy(update={"budget_timeout": 0.2})
    async with connected_database(quick), open_services(quick, Counters(), load_mail_templates(quick)) as opened:
        yield opened


async def begin(services: Services, account: UUID) -> Upload:
    return await services.uploads.init(account, NewUpload("file", CHUNKS * CHUNK, chunk_size=CHUNK))


async def send(services: Services, upload: Upload, index: int) -> int:
    async with services.ingest.open(slot_authorization(upload, index), ADDRESS) as sink:
        await sink.write([bytes(CHUNK)])
        return (await sink.commit(None)).received_chunks


async def test_chunks_get_their_receipts_while_redis_hangs(services: Services, valkey: EmbeddedValkey) -> None:
    upload = await begin(services, (await new_account()).id)
    with hanging(valkey):
        async with asyncio.timeout(PATIENCE):
            received = [await send(services, upload, index) for index in range(CHUNKS)]
    assert received == list(range(1, CHUNKS + 1))
    assert await jobs.claim([JobKind.REASSEMBLE], "worker", timedelta(minutes=1), NOW + timedelta(days=3650))
    assert 1 <= services.events.breaker.failures <= FEW


async def test_uploads_and_subscriptions_start_and_end_while_redis_hangs(
    services: Services, valkey: EmbeddedValkey
) -> None:
    account = (await new_account()).id
    with hanging(valkey):
        async with asyncio.timeout(PATIENCE):
            for _ in range(CHUNKS):
                await services.budgets.reserve(Payer(ADDRESS, account), 20)
                upload = await begin(services, account)
                async with services.subscription_leases.acquire(Payer(ADDRESS, account)):
                    frames = services.progress.watch(upload.id)
                    assert (await anext(frames)).stage is UploadStatus.RECEIVING
                    await frames.aclose()
                assert (await services.uploads.abort(upload)).status is UploadStatus.ABORTED
                await services.health.condition()
    assert 1 <= services.events.breaker.failures <= FEW


async def test_a_redis_that_answers_again_is_used_again(services: Services, valkey: EmbeddedValkey) -> None:
    upload = await begin(services, (await new_account()).id)
    with hanging(valkey):
        await send(services, upload, 0)
    async with asyncio.timeout(PATIENCE), services.events.subscribe(str(upload.id)) as events:
        while services.events.breaker.is_open:
            await asyncio.sleep(0.02)
        await send(services, upload, 1)
        # The first event may have waited for Redis.
        while not (event := await events.next_event(PATIENCE)) or event.payload["bytesDone"] < 2 * CHUNK:
            pass
