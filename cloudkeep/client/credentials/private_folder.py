"""A folder that only its user can use. Nothing in it is read through a symbolic link or if others can read it."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cloudkeep.client.errors import CredentialsError, printable

#: Bytes. The sessions of a hundred servers need less.
MAX_SIZE = 1024 * 1024
FILE_MODE, FOLDER_MODE = 0o600, 0o700
GROUP_AND_OTHERS = 0o077
WRITABLE_BY_GROUP_OR_OTHERS = 0o022
NEW = ".new"
#: O_NONBLOCK, because opening a named pipe would wait for a writer.
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_LOCK = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def config_folder() -> Path:
    """``$XDG_CONFIG_HOME/cloudkeep``, or ``~/.config/cloudkeep``.

    A relative XDG_CONFIG_HOME is ignored (XDG Base Directory Specification 0.8). Raises :class:`CredentialsError`.
    """
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    if configured.startswith("/"):
        return Path(configured, "cloudkeep")
    try:
        return Path.home() / ".config" / "cloudkeep"
    except RuntimeError as error:
        raise CredentialsError("this user has no home folder for credentials: set XDG_CONFIG_HOME") from error


class PrivateFolder:
    """Reads, replaces and locks files in a folder. Every method raises :class:`CredentialsError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes | None:
        """The content of a file; None if it does not exist.

        A file that others can read, that belongs to someone else, or that is a link is refused.
        """
        with (
            self._errors(name),
            suppress(FileNotFoundError),
            self._opened() as folder,
            open(os.open(name, _READ, dir_fd=folder), "rb") as file,
        ):
            self._require_private(self.path / name, os.fstat(file.fileno()))
            return file.read(MAX_SIZE)
        return None

    def write(self, name: str, content: bytes) -> None:
        """Replace a file. After a crash, it has either the old or the new content. Hold a lock meanwhile."""
        with self._errors(name), self._opened(create=True) as folder:
            with suppress(FileNotFoundError):
                os.unlink(name + NEW, dir_fd=folder)  # left behind by a crash
            with open(os.open(name + NEW, _CREATE, FILE_MODE, dir_fd=folder), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(name + NEW, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    def open_lock(self, name: str) -> int:
        """A descriptor of a lock file, which is created if it does not exist."""
        with self._errors(name), self._opened(create=True) as folder:
            return os.open(name, _LOCK, FILE_MODE, dir_fd=folder)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock across processes. It blocks, so it is for short work without a network."""
        with open(self.open_lock(name), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _opened(self, *, create: bool = False) -> Iterator[int]:
        """A descriptor of the folder. Its path may be a link; what counts is the folder to which it leads."""
        if create:
            self.path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            self.path.mkdir(FOLDER_MODE, exist_ok=True)
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._require_own(self.path, (status := os.fstat(folder)))
            if status.st_mode & WRITABLE_BY_GROUP_OR_OTHERS:
                raise _too_open(self.path, status, "changed", FOLDER_MODE)
            yield folder
        finally:
            os.close(folder)

    def _require_private(self, path: Path, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise CredentialsError(f"{printable(str(path))} is not a regular file; remove it and sign in again")
        self._require_own(path, status)
        if status.st_mode & GROUP_AND_OTHERS:
            raise _too_open(path, status, "read", FILE_MODE)

    def _require_own(self, path: Path, status: os.stat_result) -> None:
        if status.st_uid != os.geteuid():
            raise CredentialsError(
                f"{printable(str(path))} belongs to the user with the ID {status.st_uid}, so it is not used"
            )

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        path = printable(str(self.path / name))
        try:
            yield
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise CredentialsError(f"{path} is a symbolic link, so it is not used; remove it") from error
            raise CredentialsError(
                f"{path}: {error.strerror}; XDG_CONFIG_HOME can name another folder for credentials"
            ) from error


def _too_open(path: Path, status: os.stat_result, verb: str, mode: int) -> CredentialsError:
    shown = printable(str(path))
    return CredentialsError(
        f"{shown} can be {verb} by other users (its mode is {stat.S_IMODE(status.st_mode):04o}), so it is not used; "
        f"if nobody else has {verb} it, run: chmod {mode:o} {shown}"
    )
