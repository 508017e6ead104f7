"""The fields about budgets, letter by letter."""

import pytest

from endpoints.rate_limit_headers import fields_of, refusal_fields
from services.budgets.errors import RateLimited, TooManySubscriptions
from services.budgets.limits import LayerStatus
from services.core.errors import NotFound

ACCOUNT = LayerStatus("account", 20_000, 19_990, 1_000.0, "points")
INGEST = LayerStatus("ingest", 2**20, 0, 2.0**20, "bytes")
EVERYBODY = LayerStatus("global", 1_000_000, 999_999, 50_000.0, "points")
POLICY, LIMIT, AFTER = "RateLimit-Policy", "RateLimit", "Retry-After"


def test_a_layer_is_a_policy_and_what_is_left_of_it() -> None:
    assert fields_of([ACCOUNT]) == {POLICY: '"account";q=20000;w=20', LIMIT: '"account";r=19990;t=1'}


def test_bytes_have_a_unit_of_their_own() -> None:
    fields = fields_of([ACCOUNT, INGEST])
    assert fields[POLICY] == '"account";q=20000;w=20, "ingest";q=1048576;qu="content-bytes";w=1'
    assert fields[LIMIT] == '"account";r=19990;t=1, "ingest";r=0;t=1'


def test_the_bucket_of_everybody_is_nobodys_business() -> None:
    assert fields_of([EVERYBODY]) == {}
    assert fields_of([EVERYBODY, ACCOUNT]) == fields_of([ACCOUNT])


def test_a_full_bucket_needs_no_time() -> None:
    assert fields_of([ACCOUNT._replace(available=20_000)])[LIMIT] == '"account";r=20000;t=0'


@pytest.mark.parametrize(("seconds", "whole"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.001, "2"), (59.5, "60")])
def test_whoever_is_refused_comes_back_after_whole_seconds(seconds: float, whole: str) -> None:
    assert fields_of([], seconds) == {AFTER: whole}


def test_no_window_ends_behind_the_next_try() -> None:
    slow = ACCOUNT._replace(available=0, refill=1.0)
    assert fields_of([slow])[LIMIT] == '"account";r=0;t=20000'
    assert fields_of([slow, ACCOUNT], 6.5) == {
        POLICY: '"account";q=20000;w=20000, "account";q=20000;w=20',
        LIMIT: '"account";r=0;t=7, "account";r=19990;t=1',
        AFTER: "7",
    }


def test_numbers_have_no_more_digits_than_a_field_may_hold() -> None:
    huge = LayerStatus("account", 2**53, 2**53, 1e-6, "points")
    assert fields_of([huge])[POLICY] == '"account";q=999999999999999;w=999999999999999'
    assert fields_of([huge])[LIMIT] == '"account";r=999999999999999;t=0'


def test_a_bucket_that_never_fills_has_no_window() -> None:
    fixed = ACCOUNT._replace(refill=0.0)
    assert fields_of([fixed]) == {POLICY: '"account";q=20000', LIMIT: '"account";r=19990'}


def test_a_refusal_brings_its_fields_along() -> None:
    limited = RateLimited("no", layer="account", retry_after=0.01, layers=(ACCOUNT,))
    assert refusal_fields(limited) == {**fields_of([ACCOUNT]), AFTER: "1"}
    assert refusal_fields(RateLimited("never", layer="account", layers=(ACCOUNT,))) == fields_of([ACCOUNT])
    assert refusal_fields(TooManySubscriptions("no")) == {AFTER: "10"}
    assert refusal_fields(NotFound("no")) == {}
