"""``cloudkeep admin`` about invitations."""

import re

import pytest

from services.accounts.registration import invitations
from storage.accounts.models import Account, Invitation
from tests.cloudkeep.cli.admin.conftest import Admin

USAGE = 2
TOKEN = re.compile(r"cki_[0-9A-Za-z]{36}")


def test_an_invitation_is_printed_once_and_only_its_hash_is_stored(admin: Admin) -> None:
    printed = admin("invite")
    (token,) = printed.out
    assert printed.code == 0
    assert TOKEN.fullmatch(token)
    assert token not in printed.err
    assert "cloudkeep register --url " in printed.err

    async def stored() -> list[str]:
        rows = await Invitation.all().values()
        return [str(row) for row in rows]

    (row,) = admin.within(stored)
    assert token not in row


def test_the_terms_are_those_of_the_options(admin: Admin) -> None:
    (token,) = admin("invite", "Carol@Example.org", "--expires", "2d", "--quota", "10GiB", "--admin").out

    async def found() -> Invitation | None:
        assert await invitations.find_usable(token, "dave@example.org") is None
        return await invitations.find_usable(token, "carol@example.org")

    row = admin.within(found)
    assert row
    assert (row.email, row.quota, row.makes_admin) == ("carol@example.org", 10 * 2**30, True)
    assert (row.expires_at - row.created_at).days == 2


def test_invitations_are_listed_with_their_state(admin: Admin) -> None:
    admin("invite")
    admin("invite", "carol@example.org", "--quota", "2GB")

    async def use() -> None:
        row = await Invitation.get(email=None)
        ada = await Account.get(user_id="ada")
        await Invitation.filter(id=row.id).update(used_at=row.created_at, account_id=ada.id)

    admin.within(use)
    header, carols, anyones = admin("invitations").out
    assert header.split() == ["ID", "ADDRESS", "CREATED", "EXPIRES", "STATE", "ADMIN", "QUOTA"]
    assert re.search(r"  carol@example\.org  .*  valid +-  +2\.0 GB$", carols)
    assert re.search(r"  any  .*  used by ada  -      -$", anyones)


def test_an_unused_invitation_can_be_deleted_once(admin: Admin) -> None:
    admin("invite")
    key = admin("invitations").out[1].split()[0]
    assert admin("uninvite", key).out == [f"The invitation {key} cannot be used any more."]
    printed = admin("uninvite", key)
    assert (printed.code, printed.out) == (USAGE, [])
    assert printed.err == f"cloudkeep: there is no unused invitation with the ID {key}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["invite", "nobody"], "'nobody': "),
        (["invite", "--expires", "soon"], "--expires must be a time between 1m and 366d, as in "),
        (["invite", "--expires", "10s"], "--expires must be a time between "),
        (["invite", "--quota", "much"], "--quota must be a size between 1B and 8PiB, as in "),
        (["uninvite", "first"], "'first' is no ID of an invitation; see `cloudkeep admin invitations`"),
    ],
)
def test_wrong_input_is_one_line_and_makes_nothing(admin: Admin, arguments: list[str], message: str) -> None:
    printed = admin(*arguments)
    assert (printed.code, printed.out, printed.err.count("\n")) == (USAGE, [], 1)
    assert printed.err.startswith(f"cloudkeep: {message}")
    assert len(admin("invitations").out) == 1
