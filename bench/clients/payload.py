"""The uploaded file: random bytes, divided into chunks."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True)
class Chunk:
    """A range of the file; ``sha256`` in hex."""

    index: int
    offset: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Payload:
    """The file; ``size`` in bytes, ``sha256`` of the whole in hex."""

    path: Path
    size: int
    sha256: str
    chunks: tuple[Chunk, ...]


def make_payload(path: Path, size: int, chunk_size: int) -> Payload:
    """Write ``size`` random bytes to ``path``. They stay in the page cache, so that sending them reads no disk."""
    whole, chunks = hashlib.sha256(), []
    with path.open("wb") as file:
        for index, offset in enumerate(range(0, size, chunk_size)):
            content = os.urandom(min(chunk_size, size - offset))
            file.write(content)
            whole.update(content)
            chunks.append(Chunk(index, offset, len(content), hashlib.sha256(content).hexdigest()))
    return Payload(path, size, whole.hexdigest(), tuple(chunks))


def sha256_of(paths: Iterable[Path]) -> str:
    """SHA-256, in hex, of the concatenated files."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(MIB):
                digest.update(block)
    return digest.hexdigest()
