"""Backends for the real library ``keyring``, chosen by the environment variable PYTHON_KEYRING_BACKEND."""

import json
import os
import time
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

#: The file of the working backend, which several processes share.
FILE_VARIABLE = "FAKE_KEYRING_FILE"


class Working(KeyringBackend):
    """Keeps its secrets in a file."""

    priority = 5

    def get_password(self, service: str, username: str) -> str | None:
        """The secret."""
        return _secrets().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store the secret."""
        path = Path(os.environ[FILE_VARIABLE])
        path.with_suffix(".new").write_text(json.dumps({**_secrets(), f"{service} {username}": password}))
        path.with_suffix(".new").rename(path)


class Locked(Working):
    """Fails, with a message that has the secret."""

    def get_password(self, service: str, username: str) -> str | None:
        """Fail."""
        raise KeyringError("locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Fail."""
        raise KeyringError(f"cannot store {password}")


class Hanging(Working):
    """Never answers."""

    def get_password(self, service: str, username: str) -> str | None:
        """Hang."""
        time.sleep(3600)
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Hang."""
        time.sleep(3600)


class Forgetful(Working):
    """Stores nothing, and says that it has."""

    def get_password(self, service: str, username: str) -> str | None:
        """Nothing."""
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Do nothing."""


def _secrets() -> dict[str, str]:
    try:
        return dict(json.loads(Path(os.environ[FILE_VARIABLE]).read_text()))
    except FileNotFoundError:
        return {}
