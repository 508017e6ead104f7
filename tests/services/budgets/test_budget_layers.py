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
