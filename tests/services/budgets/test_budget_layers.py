"""The layers of each payer."""

from uuid import UUID

import pytest

from services.budgets.budget_layers import Layer, Layers, client_network
from services.budgets.limits import Limit, Limits, Payer

ACCOUNT = UUID("01939b1c-0000-7000-8000-000000000001")
OTHER = UUID("01939b1c-0000-7000-8000-000000000002")
LIMITS = Limits(Limit(5, 1), Limit(4, 1), Limit(3, 1), Limit(2, 1), Limit(1, 1))


def keys(found: tuple[Layer, ...]) -> list[str]:
    return [layer.bucket.key.removeprefix("cloudkeep:{budget}:") for layer in found]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("2001:db8:0:1:ffff::1", "2001:db8:0:1::/64"),
        ("2001:DB8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_address_is_one_of_ipv4_or_a_network_of_ipv6(address: str, network: str) -> None:
    assert client_network(address) == network


def test_a_signed_in_user_pays_by_account() -> None:
    assert keys(Layers(LIMITS).default_layers(Payer("192.0.2.1", ACCOUNT))) == [
        "global:all",
        "address:192.0.2.1",
        f"account:{ACCOUNT}",
        f"ingest:{ACCOUNT}",
    ]


def test_an_anonymous_client_pays_by_address() -> None:
    assert keys(Layers(LIMITS).default_layers(Payer("192.0.2.1"))) == [
        "global:all",
        "address:192.0.2.1",
        "anonymous:192.0.2.1",
        "ingest:192.0.2.1",
    ]


def test_each_layer_has_its_limit_and_its_unit() -> None:
    found = Layers(LIMITS).default_layers(Payer("", ACCOUNT)) + Layers(LIMITS).default_layers(Payer(""))
    assert {(layer.name, layer.bucket.capacity, layer.unit) for layer in found} == {
        ("global", 5, "points"),
        ("address", 4, "points"),
        ("account", 3, "points"),
        ("anonymous", 2, "points"),
        ("ingest", 1, "bytes"),
    }


def test_a_layer_that_is_off_is_not_asked() -> None:
    limits = Limits(None, Limit(4, 1), None, None, None)
    assert keys(Layers(limits).default_layers(Payer("192.0.2.1", ACCOUNT))) == ["address:192.0.2.1"]


def test_all_buckets_are_in_one_slot_of_a_cluster() -> None:
    found = Layers(LIMITS).default_layers(Payer("{other}", ACCOUNT)) + Layers(LIMITS).default_layers(Payer("}{"))
    assert {layer.bucket.key.split("{", 1)[1].split("}", 1)[0] for layer in found} == {"budget"}


def test_a_grant_replaces_the_limit_of_its_layer_alone() -> None:
    granted = {"account": Limit(300, 30), "ingest": Limit(100, 10)}
    found = Layers(LIMITS).layers_of(Payer("", ACCOUNT), granted)
    assert [layer.bucket.capacity for layer in found] == [5, 4, 300, 100]


def test_a_grant_does_not_reach_those_who_share_an_address() -> None:
    found = Layers(LIMITS).layers_of(Payer("", ACCOUNT), {"global": Limit(500, 1), "address": Limit(400, 1)})
    assert [layer.bucket.capacity for layer in found] == [5, 4, 3, 1]


def test_a_grant_does_not_open_a_layer_that_is_closed() -> None:
    limits = Limits(account=Limit(3, 1, closed=True), ingest=None)
    granted = {"account": Limit(300, 30), "ingest": Limit(100, 10, closed=True)}
    found = Layers(limits).layers_of(Payer("", ACCOUNT), granted)
    assert [(layer.name, layer.closed) for layer in found][2:] == [("account", True), ("ingest", False)]


TOKEN = UUID("01939b1c-0000-7000-8000-000000000003")
PROGRAM = Payer("192.0.2.1", ACCOUNT, TOKEN)


def of_token(limits: Limits, overrides: dict[str, Limit] | None = None) -> tuple[int, float] | None:
    """The capacity and the refill of the bucket of an API token."""
    found = Layers(limits).layers_of(PROGRAM, overrides)
    return next(((each.bucket.capacity, each.bucket.refill) for each in found if each.name == "token"), None)


def test_a_program_with_an_api_token_pays_by_its_token_as_well_as_by_its_account() -> None:
    assert keys(Layers(LIMITS).default_layers(PROGRAM)) == [
        "global:all",
        "address:192.0.2.1",
        f"account:{ACCOUNT}",
        f"token:{TOKEN}",
        f"ingest:{ACCOUNT}",
    ]


def test_by_default_a_token_has_half_of_the_points_of_its_account() -> None:
    assert of_token(Limits()) == (10_000, 500)


def test_a_token_never_has_more_than_half_of_the_points_of_its_account() -> None:
    limits = Limits(account=Limit(1_000, 10), api_token=Limit(5_000, 3))
    assert of_token(limits) == (500, 3)
    assert of_token(limits, {"account": Limit(100, 4)}) == (50, 2)
    assert of_token(limits, {"account": Limit(1_000_000, 10_000)}) == (5_000, 3)


def test_a_token_has_its_whole_limit_where_accounts_have_none() -> None:
    assert of_token(Limits(account=None, api_token=Limit(5_000, 3))) == (5_000, 3)


def test_tokens_have_no_bucket_of_their_own_where_the_setting_is_off() -> None:
    assert of_token(Limits(api_token=None)) is None
