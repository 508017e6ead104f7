"""The resources that jobs need."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from services.core.counters import Counters
from services.uploads.progress.progress import Progress
from storage.blobs import BlobStore
from storage.jobs.job_notifications import JobNotifications
from workers.mail.outgoing import OutgoingMails
from workers.media.tools import Toolbox
from workers.uploads.follower import Follower
from workers.worker_membership import WorkerMembership


@dataclass(frozen=True)
class JobContext:
    """Passed to the handler of every job. ``scratch`` is this worker's own folder, emptied at its start."""

    store: BlobStore
    progress: Progress
    notifications: JobNotifications
    membership: WorkerMembership
    follower: Follower
    tools: Toolbox
    scratch: Path
    upload_lifetime: timedelta
    encode_stall_timeout: float
    mails: OutgoingMails
    #: Bytes of the scratch folder's disk that stay free; None is a default that suits its size.
    reserve: int | None = None
    counters: Counters = field(default_factory=Counters)
