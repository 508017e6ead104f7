"""Common fixtures of the tests of storage."""

from pathlib import Path

import pytest

from tests.support.backends.certificates import Certificates, make_certificates


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """A certificate for 127.0.0.1, by an authority that is not trusted by default."""
    return make_certificates(tmp_path)
