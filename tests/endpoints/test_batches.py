"""Memory for bodies that the event loop receives."""

from contextlib import ExitStack

from endpoints.chunks.chunk_body import BATCH, BATCHES, SMALLEST_BATCH, BatchBudget


def test_a_body_alone_takes_the_largest_batches() -> None:
    budget = BatchBudget()
    with budget.shared():
        assert budget.batch == BATCH


def test_many_bodies_share_a_bounded_budget_and_leave_it_as_it_was() -> None:
    budget = BatchBudget()
    with ExitStack() as bodies:
        for number in range(1, 65):
            bodies.enter_context(budget.shared())
            assert number * budget.batch <= BATCHES
    with budget.shared():
        assert budget.batch == BATCH


def test_a_crowd_does_not_make_batches_useless() -> None:
    budget = BatchBudget()
    with ExitStack() as bodies:
        for _ in range(1000):
            bodies.enter_context(budget.shared())
        assert budget.batch == SMALLEST_BATCH
