"""What a build is made from, as one hash."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from page_build.places import SCHEMA, WEB

COMPRESS = Path(__file__).with_name("compress.mjs")
#: Folders that a build makes or does not use.
_SKIPPED = frozenset({"node_modules", "dist", "generated", "tests", ".build", ".svelte-kit", "coverage"})


def fingerprint(web: Path = WEB, schema: Path = SCHEMA) -> str:
    """The hash of all sources, the locks of npm, the schema, and the script that compresses."""
    digest = hashlib.sha256()
    for path in (*_sources(web), schema, COMPRESS):
        name = path.relative_to(web) if path.is_relative_to(web) else path.name
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:32]


def _sources(web: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(web):
        folders[:] = sorted(set(folders) - _SKIPPED)
        yield from (Path(folder, name) for name in sorted(files) if not name.endswith((".test.ts", "~")))
