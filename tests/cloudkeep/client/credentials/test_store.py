"""The stored credentials of several servers, in a keyring or in a file."""

import json
import threading
from datetime import UTC, datetime

import pytest

from cloudkeep.client.credentials.private_folder import PrivateFolder
from cloudkeep.client.credentials.store import FILE, CredentialStore
from cloudkeep.client.credentials.system_keyring import SystemKeyring
from cloudkeep.client.credentials.types import MAX_DEVICE_TOKENS, ServerCredentials, StoredSession
from cloudkeep.client.errors import CredentialsError
from tests.cloudkeep.client.credentials.conftest import UseKeyring
from tests.cloudkeep.client.credentials.fake_keyrings import Hanging, Locked, Working

HOME, WORK = "https://home.example.org", "https://work.example.org"


def session(name: str) -> StoredSession:
    """A session of an account."""
    tokens = f"access-{name}", f"refresh-{name}"
    return StoredSession(f"session_{name}", f"account_{name}", name, *tokens, datetime(2026, 11, 30, tzinfo=UTC))


def credentials(name: str) -> ServerCredentials:
    """The credentials after a sign-in."""
    return ServerCredentials().with_session(session(name), f"device-{name}")


def _file(store: CredentialStore) -> str:
    content = store.folder.read(FILE)
    assert content
    return content.decode()


def test_the_last_sign_in_is_the_default_and_each_server_has_its_own_session(store: CredentialStore) -> None:
    assert (store.default_server(), store.load(HOME)) == (None, ServerCredentials())
    store.save_sign_in(HOME, credentials("ada"))
    store.save_sign_in(WORK, credentials("ada-at-work"))
    assert store.default_server() == WORK
    assert (store.load(HOME), store.load(WORK)) == (credentials("ada"), credentials("ada-at-work"))
    store.save_sign_in(HOME, credentials("ada"))
    assert store.default_server() == HOME


def test_a_refresh_does_not_change_the_default(store: CredentialStore) -> None:
    store.save_sign_in(HOME, credentials("ada"))
    store.save_sign_in(WORK, credentials("bob"))
    store.save(HOME, credentials("ada2"))
    assert (store.default_server(), store.load(HOME)) == (WORK, credentials("ada2"))


def test_a_logout_leaves_the_device_token_and_makes_the_server_before_it_the_default(store: CredentialStore) -> None:
    store.save_sign_in(HOME, credentials("ada"))
    store.save_sign_in(WORK, credentials("bob"))
    store.remove_session(WORK)
    assert store.default_server() == HOME
    assert store.load(WORK) == ServerCredentials(None, {"bob": "device-bob"})
    assert "refresh-bob" not in _file(store)


def test_with_a_keyring_the_file_has_no_secrets(store: CredentialStore, use_keyring: UseKeyring) -> None:
    use_keyring(Working)
    store.save_sign_in(HOME, credentials("ada"))
    store.save(HOME, credentials("ada2"))
    assert store.load(HOME) == credentials("ada2")
    assert (json.loads(_file(store))["servers"], store.place(HOME)) == ({HOME: "keyring"}, "the system keyring")
    store.remove_session(HOME)
    assert (store.load(HOME).session, store.default_server()) == (None, None)


@pytest.mark.parametrize("backend", [None, Locked, Hanging])
def test_without_a_working_keyring_they_are_in_the_file(
    folder: PrivateFolder, use_keyring: UseKeyring, backend: type[Working] | None
) -> None:
    use_keyring(backend)
    store = CredentialStore(folder, SystemKeyring(timeout=5 if backend is not Hanging else 0.2))
    store.save_sign_in(HOME, credentials("ada"))
    assert (store.load(HOME), store.place(HOME)) == (credentials("ada"), str(folder.path / FILE))


def test_a_keyring_that_stops_working_is_one_clear_line_and_a_new_sign_in_helps(
    folder: PrivateFolder, use_keyring: UseKeyring
) -> None:
    use_keyring(Working)
    CredentialStore(folder, SystemKeyring()).save_sign_in(HOME, credentials("ada"))
    use_keyring(Locked)
    store = CredentialStore(folder, SystemKeyring())
    with pytest.raises(
        CredentialsError, match=rf"fails \(KeyringError\); sign in again with `cloudkeep login --url {HOME}`"
    ):
        store.load(HOME)
    store.save_sign_in(HOME, credentials("ada2"))
    assert store.load(HOME) == credentials("ada2")


def test_a_keyring_that_stops_working_during_a_refresh_loses_no_session(
    folder: PrivateFolder, use_keyring: UseKeyring
) -> None:
    use_keyring(Working)
    CredentialStore(folder, SystemKeyring()).save_sign_in(HOME, credentials("ada"))
    use_keyring(Locked)
    store = CredentialStore(folder, SystemKeyring())
    store.save(HOME, credentials("ada2"))
    use_keyring(Working)
    assert CredentialStore(folder, SystemKeyring()).load(HOME) == credentials("ada2")


def test_a_logout_without_the_keyring_forgets_the_session(folder: PrivateFolder, use_keyring: UseKeyring) -> None:
    use_keyring(Working)
    CredentialStore(folder, SystemKeyring()).save_sign_in(HOME, credentials("ada"))
    use_keyring(Locked)
    store = CredentialStore(folder, SystemKeyring())
    assert store.remove_session(HOME)
    assert not store.remove_session(HOME)
    assert (store.default_server(), store.load(HOME)) == (None, ServerCredentials())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": 2, "signedIn": [], "servers": {}}',
        b'{"version": 1, "signedIn": 1, "servers": {}}',
    ],
)
def test_a_damaged_file_is_one_clear_line(store: CredentialStore, content: bytes) -> None:
    store.folder.write(FILE, content)
    with pytest.raises(CredentialsError, match=f"damaged; delete {store.folder.path}/{FILE} and sign in again$"):
        store.load(HOME)


@pytest.mark.parametrize("entry", [{}, 7, {"session": {}, "deviceTokens": {}}, {"session": None, "deviceTokens": 1}])
def test_a_damaged_entry_is_one_clear_line(store: CredentialStore, entry: object) -> None:
    document = {"version": 1, "signedIn": [HOME], "servers": {HOME: entry}}
    store.folder.write(FILE, json.dumps(document).encode())
    with pytest.raises(CredentialsError, match="damaged"):
        store.load(HOME)


def test_changes_at_the_same_time_lose_nothing(folder: PrivateFolder, use_keyring: UseKeyring) -> None:
    urls = [f"https://{index}.example.org" for index in range(20)]

    def sign_in(url: str) -> None:
        CredentialStore(folder, SystemKeyring()).save_sign_in(url, credentials("ada"))

    threads = [threading.Thread(target=sign_in, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = CredentialStore(folder, SystemKeyring())
    assert [store.load(url) for url in urls] == [credentials("ada")] * 20


def test_a_device_token_is_found_by_user_id_and_the_newest_by_address() -> None:
    both = credentials("ada").with_session(session("bob"), "device-bob")
    assert both.device_token_for(" Ada ") == "device-ada"
    assert both.device_token_for("ada@example.org") == "device-bob"
    assert both.device_token_for("carol") is None


def test_the_number_of_device_tokens_is_limited() -> None:
    many = ServerCredentials()
    for index in range(MAX_DEVICE_TOKENS + 2):
        many = many.with_session(session(f"user{index}"), f"device{index}")
    assert list(many.device_tokens) == [f"user{index}" for index in range(2, MAX_DEVICE_TOKENS + 2)]


def test_no_secret_is_in_a_representation() -> None:
    assert "refresh-" not in repr(credentials("ada"))
    assert "access-" not in repr(credentials("ada"))
    assert "device-" not in repr(credentials("ada"))
