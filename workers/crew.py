"""What a job needs to do its work."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from services.counts import Counts
from services.progress import Progress
from storage.blobs import BlobStore
from storage.hints import JobHints
from workers.follower import Follower
from workers.media.tools import Toolbox


@dataclass(frozen=True)
class Crew:
    """Handed to every job. ``scratch`` is a folder of this worker's own, emptied at its start."""

    store: BlobStore
    progress: Progress
    hints: JobHints
    tools: Toolbox
    scratch: Path
    follower: Follower
    upload_lifetime: timedelta
    encode_stall_timeout: float
    #: Bytes of the scratch folder's disk that stay free; None is a share that suits it.
    reserve: int | None = None
    counts: Counts = field(default_factory=Counts)
