"""``cloudkeep admin`` about accounts."""

from pathlib import Path

import pytest

from storage.accounts.models import Account, Session
from tests.cloudkeep.cli.admin.conftest import Admin
from tests.storage.rows import session_of

USAGE = 2


def test_the_list_has_a_row_for_each_account(admin: Admin) -> None:
    printed = admin("list")
    header, ada, bob = printed.out
    assert (printed.code, printed.err) == (0, "")
    assert header.split("  ")[0] == "USER ID"
    assert ada.startswith("ada      ada@example.org  20")
    assert ada.endswith("  -             -      -         0 bytes  53.7 GB")
    assert bob.startswith("bob      bob@example.org  20")


def test_the_list_shows_administrators_disabled_accounts_and_quotas(admin: Admin) -> None:
    admin("promote", "ada")
    admin("disable", "bob")
    admin("quota", "ada", "none")
    admin("quota", "bob@example.org", "2GB")
    _, ada, bob = admin("list").out
    assert ada.endswith("yes    -         0 bytes  none")
    assert bob.endswith("-      yes       0 bytes  2.0 GB")


def test_an_account_is_shown_by_user_id_or_address(admin: Admin) -> None:
    printed = admin("show", "Ada")
    assert printed.out[:3] == ["User ID:       ada", "Name:          ada", "Address:       ada@example.org"]
    assert "Disabled:      -" in printed.out
    assert admin("show", "ADA@Example.ORG") == printed


def test_disabling_ends_the_sessions_and_enabling_lets_the_owner_sign_in_again(admin: Admin) -> None:
    async def sign_in() -> None:
        await Session.bulk_create([session_of(await Account.get(user_id="ada"))])

    admin.within(sign_in)
    assert admin("disable", "ada").out == ["ada is disabled, and its sessions have ended."]
    assert admin("disable", "ada").out == ["ada is already disabled."]
    assert admin.within(lambda: Session.all().count()) == 0
    assert admin("enable", "ada").out == ["ada can sign in again."]
    assert admin("enable", "ada").out == ["ada is not disabled."]


def test_the_last_administrator_is_not_demoted(admin: Admin) -> None:
    assert admin("promote", "ada").out == ["ada is an administrator now."]
    assert admin("promote", "ada").out == ["ada is already an administrator."]
    printed = admin("demote", "ada")
    assert (printed.code, printed.out) == (USAGE, [])
    assert printed.err == ("cloudkeep: ada was not demoted: there would be no administrator left who can sign in\n")
    admin("promote", "bob")
    assert admin("demote", "ada").out == ["ada is no longer an administrator."]
    assert admin("demote", "ada").out == ["ada is not an administrator."]


def test_a_quota_is_that_of_grant(admin: Admin) -> None:
    (line,) = admin("quota", "ada", "200GiB").out
    assert line.startswith("ada: quota 200GiB, since ")
    assert admin("quota", "ada", "default").out == ["ada has the limits of the settings."]
    printed = admin("quota", "ada", "much")
    assert (printed.code, printed.out) == (USAGE, [])
    assert printed.err.startswith("cloudkeep: --quota must be a size up to 8PiB, as in 200GiB")


@pytest.mark.parametrize("command", ["show", "disable", "enable", "promote", "demote"])
@pytest.mark.parametrize(
    ("name", "kind"), [("carol", "user ID"), ("x\ny", "user ID"), ("carol@example.org", "address")]
)
def test_an_unknown_account_is_refused_in_one_line(admin: Admin, command: str, name: str, kind: str) -> None:
    printed = admin(command, name)
    assert (printed.code, printed.out) == (USAGE, [])
    assert printed.err == f"cloudkeep: there is no account with the {kind} {name!r}\n"


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudkeep.supervisor.bootstrap.set_up_logging", lambda *_: None)
    monkeypatch.setenv("CLOUDKEEP_DATA_DIR", str(tmp_path))
    printed = Admin("")("list")
    assert (printed.code, printed.out) == (USAGE, [])
    assert printed.err == f"cloudkeep: CLOUDKEEP_DATABASE_URL: there is no database at {tmp_path}/cloudkeep.sqlite3\n"
