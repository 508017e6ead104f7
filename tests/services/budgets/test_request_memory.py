"""Memory for incomplete requests: it is limited by address and by process, and nothing is kept of complete ones."""

import pytest

from services.budgets.request_memory import FREE_BYTES, RequestMemory, TooMuchMemory

ONE, OTHER = "192.0.2.1", "192.0.2.2"
KIB = 1024


def test_the_requests_of_an_address_share_its_memory() -> None:
    memory = RequestMemory(100 * KIB, 1000 * KIB)
    first, second = memory.request(ONE), memory.request(ONE)
    first.resize(60 * KIB)
    second.resize(40 * KIB)
    with pytest.raises(TooMuchMemory):
        second.resize(41 * KIB)
    memory.request(OTHER).resize(100 * KIB)
    first.close()
    second.resize(100 * KIB)
    assert (memory.used, memory.refused) == (200 * KIB, 1)


def test_all_addresses_share_the_memory_of_the_process() -> None:
    memory = RequestMemory(100 * KIB, 150 * KIB)
    memory.request(ONE).resize(100 * KIB)
    with pytest.raises(TooMuchMemory):
        memory.request(OTHER).resize(51 * KIB)


def test_a_network_of_ipv6_is_one_address() -> None:
    memory = RequestMemory(100 * KIB, 1000 * KIB)
    memory.request("2001:db8::1").resize(100 * KIB)
    with pytest.raises(TooMuchMemory):
        memory.request("2001:db8::2").resize(FREE_BYTES)


def test_small_requests_are_not_counted() -> None:
    memory = RequestMemory(FREE_BYTES, FREE_BYTES)
    for _ in range(100):
        memory.request(ONE).resize(FREE_BYTES - 1)
    assert memory.used == 0


def test_nothing_is_kept_of_a_request_that_ended() -> None:
    memory = RequestMemory()
    for number in range(100):
        with memory.request(f"192.0.2.{number}") as request:
            request.resize(64 * KIB)
            request.resize(32 * KIB)
    assert repr(vars(memory)) == repr(vars(RequestMemory()))
