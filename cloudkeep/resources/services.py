"""Builds the services of an API process from its open resources."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from cloudkeep import __version__
from cloudkeep.resources.accounts import open_accounts
from cloudkeep.resources.budgets import ClientLimits, open_client_limits
from cloudkeep.resources.mail import open_mail_sender
from cloudkeep.resources.resources import Resources, open_resources, require_redis_url, upload_lifetime
from cloudkeep.settings.settings import Settings
from cloudkeep.settings.types import Downloads
from services.access.signed_urls import SignedUrls
from services.accounts.accounts import Accounts
from services.activity.activity import Activity
from services.budgets.frame_payments import FramePayments
from services.container import ServerInfo, Services
from services.core.counters import Counters
from services.drive.deletion import Deletion
from services.drive.downloads import Downloads as DownloadService
from services.drive.file_versions import FileVersions
from services.drive.item_changes import ItemChanges
from services.drive.items import Items
from services.drive.search import Search
from services.drive.zips.zips import ZipPolicy, Zips
from services.mail.templates import MailTemplates
from services.maintenance.health import Health
from services.uploads.chunk_sizes import LARGEST_FILE
from services.uploads.direct import DirectSlots
from services.uploads.ingest import Ingest
from services.uploads.small_chunks import SmallChunks


@asynccontextmanager
async def open_services(settings: Settings, counters: Counters, templates: MailTemplates) -> AsyncIterator[Services]:
    """The services of an API process, opened. ``templates``: those of :func:`load_mail_templates`."""
    async with open_resources(settings, counters, "api") as base, AsyncExitStack() as stack:
        mails = await stack.enter_async_context(open_mail_sender(settings, templates, counters, base.notifications))
        await base.log.start()
        stack.push_async_callback(base.log.close)
        activity = Activity(base.log, counters)
        stack.push_async_callback(activity.close)
        limits = await stack.enter_async_context(open_client_limits(settings, base.redis, require_redis_url(settings)))
        accounts = await stack.enter_async_context(open_accounts(settings, base.redis, mails, counters))
        yield _services(settings, base, counters, activity=activity, limits=limits, accounts=accounts)


def _services(
    settings: Settings,
    base: Resources,
    counters: Counters,
    *,
    activity: Activity,
    limits: ClientLimits,
    accounts: Accounts,
) -> Services:
    """All services, with those that have to be opened before."""
    ingest = Ingest(base.store, base.progress, base.notifications, limits.budgets, upload_lifetime(settings))
    return Services(
        accounts=accounts,
        uploads=base.uploads,
        ingest=ingest,
        small_chunks=SmallChunks(base.store, ingest, base.notifications, limits.budgets),
        items=Items(),
        deletion=Deletion(base.notifications, counters),
        file_versions=FileVersions(counters, base.allowance),
        search=Search(),
        item_changes=ItemChanges(base.allowance),
        downloads=DownloadService(base.store, redirects=settings.downloads == Downloads.REDIRECT),
        zips=Zips(base.store, base.notifications, ZipPolicy(settings.zip_entries), counters),
        progress=base.progress,
        activity=activity,
        direct=DirectSlots(base.store, base.uploads, ingest),
        signed_urls=SignedUrls(settings.secret_keys, timedelta(seconds=settings.url_ttl)),
        health=Health(base.store, base.heartbeats),
        budgets=limits.budgets,
        limit_overrides=limits.overrides,
        subscription_leases=limits.subscription_leases,
        frame_payments=FramePayments(limits.budgets),
        counters=counters,
        events=base.log,
        server=_server_info(settings, base),
    )


def _server_info(settings: Settings, base: Resources) -> ServerInfo:
    return ServerInfo(
        __version__,
        min(settings.max_file_size, LARGEST_FILE),
        base.store.supports_direct_uploads,
        settings.registration,
        settings.trash_ttl,
    )
