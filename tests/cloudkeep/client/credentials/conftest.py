"""A keyring of one's own, and stores that use it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import keyring.core
import pytest

from cloudkeep.client.credentials.private_folder import PrivateFolder
from cloudkeep.client.credentials.store import CredentialStore
from cloudkeep.client.credentials.system_keyring import SystemKeyring
from tests.cloudkeep.client.credentials import fake_keyrings

UseKeyring = Callable[[type[fake_keyrings.Working] | None], None]


@pytest.fixture
def use_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UseKeyring]:
    """Chooses the backend of the library; None is one without a keyring."""
    monkeypatch.setenv(fake_keyrings.FILE_VARIABLE, str(tmp_path / "keyring.json"))

    def use(backend: type[fake_keyrings.Working] | None) -> None:
        name = f"{backend.__module__}.{backend.__qualname__}" if backend else "keyring.backends.fail.Keyring"
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
        keyring.core._keyring_backend = None

    use(None)
    yield use
    keyring.core._keyring_backend = None


@pytest.fixture
def folder(tmp_path: Path) -> PrivateFolder:
    """A folder that does not exist yet."""
    return PrivateFolder(tmp_path / "config" / "cloudkeep")


@pytest.fixture
def store(folder: PrivateFolder, use_keyring: UseKeyring) -> CredentialStore:
    """A store that gives a keyring little time."""
    return CredentialStore(folder, SystemKeyring(timeout=5))
