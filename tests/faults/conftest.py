"""One report of all strikes of a run."""

from collections.abc import Iterator

import pytest

from tests.faults.report import Report


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    """The table of this run, printed at its end."""
    made = Report()
    yield made
    made.publish()
