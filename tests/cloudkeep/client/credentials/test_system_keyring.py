"""The system keyring: the real library, with backends that work, fail, hang or keep nothing."""

import sys

import pytest

from cloudkeep.client.credentials.system_keyring import KeyringUnavailable, SystemKeyring
from tests.cloudkeep.client.credentials.conftest import UseKeyring
from tests.cloudkeep.client.credentials.fake_keyrings import Forgetful, Hanging, Locked, Working

SECRET = "a secret"


def test_a_secret_is_found_by_its_name(use_keyring: UseKeyring) -> None:
    use_keyring(Working)
    keyring = SystemKeyring()
    keyring.set("one", SECRET)
    assert (keyring.get("one"), keyring.get("two")) == (SECRET, None)


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (None, "the system keyring was not found"),
        (Locked, "the system keyring fails (KeyringError)"),
        (Hanging, "the system keyring does not answer within 0.2 seconds"),
        (Forgetful, "the system keyring does not return what was stored in it"),
    ],
)
def test_a_keyring_that_does_not_work_is_none_and_the_reason_has_no_secret(
    use_keyring: UseKeyring, backend: type[Working] | None, reason: str
) -> None:
    use_keyring(backend)
    with pytest.raises(KeyringUnavailable) as error:
        SystemKeyring(timeout=0.2 if backend is Hanging else 5).set("one", SECRET)
    assert str(error.value) == reason


def test_the_null_backend_is_no_keyring(monkeypatch: pytest.MonkeyPatch, use_keyring: UseKeyring) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with pytest.raises(KeyringUnavailable, match=r"was not found$"):
        SystemKeyring().set("one", SECRET)


def test_a_hanging_keyring_is_waited_for_once(use_keyring: UseKeyring) -> None:
    use_keyring(Hanging)
    keyring = SystemKeyring(timeout=0.2)
    for _ in range(2):
        with pytest.raises(KeyringUnavailable, match="does not answer"):
            keyring.get("one")
    use_keyring(Working)
    with pytest.raises(KeyringUnavailable, match="does not answer"):
        keyring.get("one")


def test_without_the_library_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyringUnavailable, match=r"without the package cloudkeep\[keyring\]$"):
        SystemKeyring().get("one")
