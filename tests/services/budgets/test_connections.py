"""Connections of an address: they are limited, and nothing is kept of closed ones."""

import pytest

from services.budgets.connections import ConnectionLimiter, TooManyConnections

ONE, OTHER = "192.0.2.1", "192.0.2.2"


def test_an_address_has_as_many_as_it_may_have_and_no_more() -> None:
    connections = ConnectionLimiter(2)
    for address in (ONE, ONE, OTHER, OTHER):
        connections.acquire(address)
    with pytest.raises(TooManyConnections, match="At most 2"):
        connections.acquire(ONE)
    assert (connections.open, connections.refused) == (4, 1)


def test_one_that_is_over_makes_room_for_the_next() -> None:
    connections = ConnectionLimiter(1)
    for _ in range(3):
        leave = connections.acquire(ONE)
        with pytest.raises(TooManyConnections):
            connections.acquire(ONE)
        leave()


def test_an_ipv6_network_counts_as_one_address() -> None:
    connections = ConnectionLimiter(1)
    connections.acquire("2001:db8:0:1::1")
    with pytest.raises(TooManyConnections):
        connections.acquire("2001:db8:0:1:ffff::2")
    connections.acquire("2001:db8:0:2::1")


def test_nothing_is_kept_of_an_address_that_has_none_open() -> None:
    connections = ConnectionLimiter(1)
    for number in range(100):
        connections.acquire(f"192.0.2.{number}")()
    assert repr(vars(connections)) == repr(vars(ConnectionLimiter(1)))
