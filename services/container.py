"""All services of a process, built once by the composition root."""

from dataclasses import dataclass, field

from services.access.signed_urls import SignedUrls
from services.accounts.accounts import Accounts
from services.accounts.types import RegistrationMode
from services.activity.activity import Activity
from services.budgets.budgets import Budgets
from services.budgets.fair_turns import FairTurns
from services.budgets.frame_payments import FramePayments
from services.budgets.limit_overrides import LimitOverrides
from services.budgets.subscription_leases import SubscriptionLeases
from services.core.counters import Counters
from services.drive.deletion import Deletion
from services.drive.downloads import Downloads
from services.drive.file_versions import FileVersions
from services.drive.item_changes import ItemChanges
from services.drive.items import Items
from services.drive.search import Search
from services.drive.zips.zips import Zips
from services.maintenance.health import Health
from services.uploads.direct import DirectSlots
from services.uploads.ingest import Ingest
from services.uploads.progress.progress import Progress
from services.uploads.small_chunks import SmallChunks
from services.uploads.uploads import Uploads
from storage.progress_stream import RedisEventLog

#: Seconds between two pieces of heavy work, in which a small query is answered as a whole.
HEAVY_PAUSE = 0.005


@dataclass(frozen=True)
class ServerInfo:
    """The server's public description. ``max_file_size`` is in bytes, ``trash_ttl`` in seconds.

    Without ``trash_ttl``, nothing leaves the trash by itself.
    """

    version: str
    max_file_size: int
    takes_direct_uploads: bool
    registration: RegistrationMode = RegistrationMode.OPEN
    trash_ttl: int | None = None


@dataclass(frozen=True)
class Services:
    """The services of one process."""

    accounts: Accounts
    uploads: Uploads
    ingest: Ingest
    small_chunks: SmallChunks
    direct: DirectSlots
    items: Items
    deletion: Deletion
    file_versions: FileVersions
    search: Search
    item_changes: ItemChanges
    downloads: Downloads
    zips: Zips
    progress: Progress
    activity: Activity
    signed_urls: SignedUrls
    health: Health
    budgets: Budgets
    limit_overrides: LimitOverrides
    subscription_leases: SubscriptionLeases
    frame_payments: FramePayments
    counters: Counters
    events: RedisEventLog
    server: ServerInfo
    #: For work that may keep the event loop busy for 30 ms or more: large documents, and large frames.
    heavy_turns: FairTurns = field(default_factory=lambda: FairTurns(1, HEAVY_PAUSE))
