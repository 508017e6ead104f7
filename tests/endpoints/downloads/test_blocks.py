"""Downloads are read in blocks that suit their clients, and all of them together hold limited memory."""

from endpoints.downloads.blocks import (
    BLOCKS_HELD,
    LARGEST,
    MIB,
    PER_ADDRESS,
    SMALLEST,
    TOTAL,
    BlockBudget,
    BlockSizes,
)

#: A number of downloads that is larger than the budget has room for, with the largest blocks.
MANY = 2 * TOTAL // LARGEST


def fast(budget: BlockBudget, address: str = "192.0.2.1") -> BlockSizes:
    """A download whose client has read a lot in no time."""
    sizes = BlockSizes(budget, address)
    for _ in range(100):
        sizes.block_was_read(MIB, 0.0)
    return sizes


def test_a_download_starts_with_small_blocks() -> None:
    assert BlockSizes(BlockBudget(), "192.0.2.1").next_size() == SMALLEST


def test_a_fast_client_gets_the_largest_blocks() -> None:
    assert fast(BlockBudget()).next_size() == LARGEST


def test_what_the_kernel_accepts_for_a_client_that_reads_nothing_does_not_make_blocks_larger() -> None:
    sizes = BlockSizes(BlockBudget(), "192.0.2.1")
    for _ in range(8):
        sizes.block_was_read(SMALLEST, 0.0)
    assert sizes.next_size() == SMALLEST


def test_a_block_is_what_the_client_has_just_read_in_a_moment() -> None:
    sizes = fast(BlockBudget())
    sizes.block_was_read(MIB, 0.1)
    assert SMALLEST < sizes.next_size() < LARGEST
    sizes.block_was_read(MIB, 60.0)
    assert sizes.next_size() == SMALLEST


def test_one_address_has_a_part_of_the_budget() -> None:
    budget = BlockBudget()
    downloads = [fast(budget) for _ in range(MANY)]
    held = sum(BLOCKS_HELD * (each.next_size() - SMALLEST) for each in downloads)
    assert held <= PER_ADDRESS
    assert fast(budget, "192.0.2.2").next_size() == LARGEST


def test_addresses_of_one_ipv6_network_share_their_part() -> None:
    budget = BlockBudget()
    downloads = [fast(budget, f"2001:db8::{number:x}") for number in range(MANY)]
    assert sum(BLOCKS_HELD * (each.next_size() - SMALLEST) for each in downloads) <= PER_ADDRESS


def test_all_addresses_together_stay_within_the_budget_and_still_get_small_blocks() -> None:
    budget = BlockBudget()
    downloads = [fast(budget, f"192.0.2.{number}") for number in range(MANY)]
    assert sum(BLOCKS_HELD * (each.next_size() - SMALLEST) for each in downloads) <= TOTAL
    assert all(each.next_size() >= SMALLEST for each in downloads)


def test_a_download_that_ends_gives_its_memory_back() -> None:
    budget = BlockBudget()
    for download in [fast(budget) for _ in range(MANY)]:
        download.close()
    assert fast(budget).next_size() == LARGEST
