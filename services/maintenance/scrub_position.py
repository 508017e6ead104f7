"""Where a scrub stopped: kept in a small file, so that the next run goes on from there."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from uuid import UUID

from services.maintenance.scrub import Verdict


@dataclass
class Position:
    """How far a pass over all blobs has come, the oldest first. ``last`` was verified, None before the first one."""

    last: UUID | None = None
    blobs: int = 0
    size: int = 0
    damaged: int = 0

    def take(self, verdict: Verdict) -> None:
        """Go on past one more blob."""
        self.last = verdict.blob_id
        self.blobs += 1
        self.size += verdict.size
        self.damaged += verdict.damage is not None


def load(path: Path) -> Position:
    """What was saved; the beginning when nothing was, or when it cannot be read."""
    try:
        saved = json.loads(path.read_text())
        counts = {field.name: int(saved[field.name]) for field in fields(Position) if field.name != "last"}
        return Position(UUID(saved["last"]), **counts)
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return Position()


def save(path: Path, position: Position) -> None:
    """Replace what was saved, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    # On a full disk the next run begins a little earlier; that is no reason to end this one.
    with suppress(OSError):
        beside.write_text(json.dumps({**asdict(position), "last": str(position.last)}))
        os.replace(beside, path)


def forget(path: Path) -> None:
    """The pass is over: the next one begins with the oldest blob again."""
    path.unlink(missing_ok=True)
