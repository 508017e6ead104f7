"""Accept-Encoding, as RFC 9110 reads it."""

import pytest

from endpoints.page.encodings import accepted_encodings


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip, deflate, br, zstd", ("br", "gzip")),
        ("gzip", ("gzip",)),
        ("GZIP;q=0.5, BR;q=0.2", ("gzip", "br")),
        ("br;q=0, gzip", ("gzip",)),
        ("br ; q=0.000, gzip ; q=1", ("gzip",)),
        ("*", ("br", "gzip")),
        ("*;q=0, gzip", ("gzip",)),
        ("br;q=0, *", ("gzip",)),
        ("identity, gzip;q=0.5", ()),
        ("identity;q=0, gzip;q=0.1", ("gzip",)),
        ("gzip;q=x", ()),
        ("identity", ()),
        ("", ()),
        (f"{'x, ' * 10_000}br", ()),
    ],
)
def test_the_preferred_coding_is_first_and_refused_ones_are_missing(header: str, accepted: tuple[str, ...]) -> None:
    assert accepted_encodings(header) == accepted
