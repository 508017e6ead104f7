"""Names inside a zip file: safe for every program that extracts it, and different from each other."""

import re
from collections import defaultdict

from storage.drive.names import folded, numbered

#: Separators of paths, the colon of drives and streams on Windows, and control characters.
UNSAFE = re.compile(r"[/\\:\x00-\x1f\x7f]")
#: Names that mean a folder itself or the one above it, also with the spaces and dots that Windows ignores at the end.
RELATIVE = re.compile(r"[. ]*\Z")


def safe_name(name: str) -> str:
    """The name as one part of a path that stays where it is put."""
    safe = UNSAFE.sub("_", name)
    return "_" * max(1, len(safe)) if RELATIVE.match(safe) else safe


class FolderNames:
    """The names that are taken in each folder of a zip file. Case is ignored, as by many file systems."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, set[str]] = defaultdict(set)
        self._next: defaultdict[tuple[str, str], int] = defaultdict(lambda: 2)

    def take(self, folder: str, name: str) -> str:
        """A safe name that is not taken in the folder, which is a path: ``name`` itself, or ``name (2)`` and so on."""
        safe = safe_name(name)
        taken, counted = self._taken[folder], (folder, folded(safe))
        candidate = safe
        while folded(candidate) in taken:
            candidate = numbered(safe, self._next[counted])
            self._next[counted] += 1
        taken.add(folded(candidate))
        return candidate
