"""Everything a request can ask for, built once per process by the composition root."""

from dataclasses import dataclass

from services.accounts import Accounts
from services.budgets import Budgets
from services.counts import Counts
from services.direct import DirectSlots
from services.files import Files
from services.grants import GrantBook
from services.health import Health
from services.ingest import Ingest
from services.links import Links
from services.progress import Progress
from services.seats import Seats
from services.uploads import Uploads
from storage.events import RedisEventLog


@dataclass(frozen=True)
class Services:
    """The services of one process."""

    accounts: Accounts
    uploads: Uploads
    ingest: Ingest
    direct: DirectSlots
    files: Files
    progress: Progress
    links: Links
    health: Health
    budgets: Budgets
    grants: GrantBook
    seats: Seats
    counts: Counts
    events: RedisEventLog
