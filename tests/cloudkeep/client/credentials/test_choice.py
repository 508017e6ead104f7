"""Which server a command uses, and with which credentials."""

from pathlib import Path

import pytest

from cloudkeep.client.credentials.choice import TokenOfEnvironment, choose_credentials, choose_stored
from cloudkeep.client.credentials.private_folder import PrivateFolder
from cloudkeep.client.credentials.store import CredentialStore
from cloudkeep.client.credentials.system_keyring import SystemKeyring
from cloudkeep.client.errors import KeyringError, UsageError
from cloudkeep.supervisor.runtime_file import runtime_file
from tests.cloudkeep.client.credentials.conftest import UseKeyring
from tests.cloudkeep.client.credentials.fake_keyrings import Locked, Working
from tests.cloudkeep.client.credentials.test_store import HOME, WORK, credentials

LOCAL = "http://127.0.0.1:8000"


@pytest.fixture
def store(config_home: Path, use_keyring: UseKeyring) -> CredentialStore:
    """The store of the commands."""
    return CredentialStore(PrivateFolder(config_home / "cloudkeep"), SystemKeyring())


def test_a_url_wins_over_all_others(store: CredentialStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save_sign_in(HOME, credentials("ada"))
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    with runtime_file(tmp_path, LOCAL):
        chosen = choose_stored(WORK)
    assert (chosen.url, chosen.is_signed_in) == (WORK, False)


def test_a_data_folder_that_is_named_wins_over_the_last_sign_in(
    store: CredentialStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_sign_in(HOME, credentials("ada"))
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    with runtime_file(tmp_path, LOCAL):
        assert choose_stored(None).url == LOCAL
    with pytest.raises(UsageError, match="no running server"):
        choose_stored(None)


def test_the_last_sign_in_wins_over_the_server_of_this_folder(
    store: CredentialStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with runtime_file(tmp_path / "data", LOCAL):
        assert choose_stored(None).url == LOCAL
        store.save_sign_in(HOME, credentials("ada"))
        chosen = choose_stored(None)
    assert (chosen.url, chosen.stored) == (HOME, credentials("ada"))


def test_a_token_is_not_sent_to_the_server_of_the_last_sign_in(
    store: CredentialStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_sign_in(HOME, credentials("ada"))
    monkeypatch.setenv("CLOUDKEEP_TOKEN", "ckp_token")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no running server"):
        choose_credentials(None)
    chosen = choose_credentials(HOME)
    assert isinstance(chosen, TokenOfEnvironment)
    assert "ckp_token" not in repr(chosen)


def test_a_keyring_that_fails_stops_only_commands_that_need_the_session(
    store: CredentialStore, use_keyring: UseKeyring
) -> None:
    use_keyring(Working)
    store.save_sign_in(HOME, credentials("ada"))
    use_keyring(Locked)
    with pytest.raises(KeyringError):
        choose_credentials(HOME)
    assert not choose_stored(HOME, without_keyring=True).is_signed_in
