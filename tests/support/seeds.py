"""A seed that is new in every run. It is part of the name of a test, so that a failure can be reproduced."""

import os
import random

#: Where the tests run in several processes, all of them must find the same tests, and so the same names.
SEED_OF_THIS_RUN = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).randrange(2**32)
