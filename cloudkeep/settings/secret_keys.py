"""The secret keys, from ``CLOUDKEEP_SECRET_KEYS`` or from a file that is created once in the data folder.

Both have ``kid:secret`` entries, separated by commas or line ends. The first key signs, all keys verify.
"""

import contextlib
import os
import re
import secrets
import tempfile
from pathlib import Path

from services.core.keys import SecretKey

MINIMUM_LENGTH = 32

_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")


def parse_keys(text: str) -> tuple[SecretKey, ...]:
    """Read a list of ``kid:secret`` entries. Raises ValueError, without secrets in its message."""
    entries = [entry.strip() for entry in re.split(r"[,\n]", text)]
    keys = tuple(_parse_key(number, entry) for number, entry in enumerate(filter(None, entries), start=1))
    if not keys:
        raise ValueError("must have at least one kid:secret entry")
    if len({key.kid for key in keys}) < len(keys):
        raise ValueError("must not use a key ID twice")
    return keys


def _parse_key(number: int, entry: str) -> SecretKey:
    kid, colon, secret = entry.partition(":")
    if not colon or not _KID.fullmatch(kid):
        raise ValueError(f"entry {number} must be kid:secret, its kid 1 to 32 letters, digits, '_' or '-'")
    if len(secret) < MINIMUM_LENGTH:
        raise ValueError(f"entry {number} must have a secret of at least {MINIMUM_LENGTH} characters")
    return SecretKey(kid, secret.encode())


def read_or_create_keys(path: Path) -> tuple[SecretKey, ...]:
    """The keys in the file. If it is missing, it is created with a new key.

    Processes that start at the same time get the same keys. An existing file is never changed.
    Raises OSError if the folder or the file cannot be used, and ValueError if the file has no valid keys or can be read
    by other users.
    """
    if not path.exists():
        _create(path, f"{secrets.token_hex(4)}:{secrets.token_urlsafe(48)}\n")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ValueError(f"{path} can be read by others (mode {mode:04o}): run chmod 600 on it")
    try:
        return parse_keys(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None


def _create(path: Path, text: str) -> None:
    """Create the file atomically, unless another process was first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # its mode is 0600 from the start
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
