"""A seed that is new in every run. The name of a test that takes it tells it, so that a failure can be had again."""

import os
import random

#: Where the tests run in several processes, all of them must find the same tests, and so the same names.
SEED_OF_THIS_RUN = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).randrange(2**32)
