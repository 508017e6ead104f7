"""The position of an interrupted scrub, in a small file, so that the next run can resume."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from uuid import UUID

from services.maintenance.scrub import Verdict


@dataclass
class Position:
    """The progress of a pass over all blobs, the oldest first.

    ``last`` is the last verified blob, None before the first.
    """

    last: UUID | None = None
    blobs: int = 0
    size: int = 0
    damaged: int = 0

    def take(self, verdict: Verdict) -> None:
        """The position after one more blob."""
        self.last = verdict.blob_id
        self.blobs += 1
        self.size += verdict.size
        self.damaged += verdict.damage is not None


def load(path: Path) -> Position:
    """The saved position; the beginning if there is none, or it cannot be read."""
    try:
        saved = json.loads(path.read_text())
        counts = {field.name: int(saved[field.name]) for field in fields(Position) if field.name != "last"}
        return Position(UUID(saved["last"]), **counts)
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return Position()


def save(path: Path, position: Position) -> None:
    """Replace the saved position atomically."""
    beside = path.with_name(f"{path.name}.new")
    # On a full disk, the next run only starts a little earlier, so this one continues.
    with suppress(OSError):
        beside.write_text(json.dumps({**asdict(position), "last": str(position.last)}))
        os.replace(beside, path)


def forget(path: Path) -> None:
    """Delete the position at the end of a pass: the next one starts with the oldest blob."""
    path.unlink(missing_ok=True)
