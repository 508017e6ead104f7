"""A file to upload, and where it goes."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloudkeep.client.api.graphql import Json
from cloudkeep.client.errors import printable

#: Called with the status and the SHA-256 of a file that the server has now.
OnStored = Callable[[os.stat_result, str], None]


@dataclass(frozen=True)
class Destination:
    """Where a file goes. ``parent_id`` is the ID of a folder.

    With ``relative_path``, the server makes the folders between that folder and the file. ``conflict`` is the policy if
    the name is taken.
    """

    parent_id: str
    relative_path: str | None = None
    conflict: str | None = None

    def to_input(self) -> Json:
        """The fields of the input of ``initUpload``."""
        return {"parentId": self.parent_id, "relativePath": self.relative_path, "conflict": self.conflict}


@dataclass(frozen=True)
class FileToUpload:
    """A local file. ``label`` names it in messages. Without a destination, it goes to the root of the drive.

    ``size`` is that at which it was found, in bytes; 0 if nobody has looked.
    """

    path: Path
    label: str
    destination: Destination | None = None
    on_stored: OnStored | None = None
    size: int = 0

    @classmethod
    def of(cls, path: Path) -> "FileToUpload":
        """A file for the root."""
        return cls(path, printable(path.name))
