"""Device tokens: each is for one account and one device, and expires."""

import base64
from datetime import timedelta

import pytest

from services.accounts.sign_in.devices import LIFETIME, TOKEN_CHARACTERS, Device, Devices
from services.core.clock import now
from services.core.keys import derive
from storage.accounts.models import Account
from tests.services.accounts.conftest import EMAIL, NEW, OLD
from tests.services.conftest import make_account
from tests.support.clock import Clocks


@pytest.fixture
async def ada(database: str) -> Account:
    return await Account.get(id=await make_account("ada"))


@pytest.fixture
async def bob(database: str) -> Account:
    return await Account.get(id=await make_account("bob"))


async def found(token: str | None, name: str = "ada", devices: Devices | None = None) -> Device:
    device = await (devices or Devices([OLD])).recognise(token, name)
    assert device
    return device


async def test_a_device_is_recognised_by_user_id_and_by_address(ada: Account) -> None:
    token = Devices([OLD]).issue(ada.id)
    assert await found(token) == await found(token, EMAIL)


async def test_the_next_token_of_a_device_is_newer_and_for_the_same_device(ada: Account) -> None:
    devices = Devices([OLD])
    first = await found(devices.issue(ada.id))
    second = await found(devices.issue(ada.id, first))
    assert second.id == first.id
    assert second.issued_at > first.issued_at
    assert (await found(devices.issue(ada.id))).id != first.id


async def test_a_token_is_worthless_for_other_accounts(ada: Account, bob: Account) -> None:
    token = Devices([OLD]).issue(bob.id)
    for name in ("ada", EMAIL, "nobody", "nobody@example.org"):
        assert await Devices([OLD]).recognise(token, name) is None


async def test_a_token_survives_a_change_of_keys_and_dies_with_its_own(ada: Account) -> None:
    token = Devices([OLD]).issue(ada.id)
    assert (await found(token, devices=Devices([NEW, OLD]))).account_id == ada.id
    assert await Devices([NEW]).recognise(token, "ada") is None


async def test_every_changed_bit_makes_a_token_invalid(ada: Account) -> None:
    devices = Devices([OLD])
    content = base64.urlsafe_b64decode(devices.issue(ada.id))
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert devices.read(base64.urlsafe_b64encode(changed).decode()) is None


@pytest.mark.parametrize(
    "garbage", [None, "", "x", *(letter * TOKEN_CHARACTERS for letter in "Aé=\0\ud800"), "A" * 10**6]
)
def test_garbage_is_no_token(garbage: str | None) -> None:
    assert Devices([OLD]).read(garbage) is None


def test_a_token_has_a_key_of_its_own() -> None:
    assert derive(OLD, "device") not in {derive(OLD, purpose) for purpose in ("refresh-token", "access-token", "otp")}


async def test_a_device_is_forgotten_after_a_year(ada: Account, clocks: Clocks) -> None:
    token = Devices([OLD]).issue(ada.id)
    clocks.passed = LIFETIME - timedelta(minutes=1)
    assert (await found(token)).account_id == ada.id
    clocks.passed = LIFETIME + timedelta(minutes=1)
    assert await Devices([OLD]).recognise(token, "ada") is None


async def test_devices_that_have_not_signed_in_since_the_password_changed_share_a_counter(ada: Account) -> None:
    devices = Devices([OLD])
    tokens = [devices.issue(ada.id) for _ in range(2)]
    assert len({(await found(token)).counter for token in tokens}) == 2
    ada.password_changed_at = now()
    await ada.save()
    (older,) = {(await found(token)).counter for token in tokens}
    fresh = await found(devices.issue(ada.id, await found(tokens[0])))
    assert fresh.counter == str((await found(tokens[0])).id) != older
