"""The exact headers about budgets."""

import pytest

from endpoints.rate_limit_headers import rate_limit_headers, refusal_headers
from services.budgets.errors import RateLimited, TooManySubscriptions
from services.budgets.limits import LayerStatus
from services.core.errors import NotFound

ACCOUNT = LayerStatus("account", 20_000, 19_990, 1_000.0, "points")
INGEST = LayerStatus("ingest", 2**20, 0, 2.0**20, "bytes")
GLOBAL = LayerStatus("global", 1_000_000, 999_999, 50_000.0, "points")
POLICY, LIMIT, AFTER = "RateLimit-Policy", "RateLimit", "Retry-After"


def test_a_layer_is_a_policy_and_what_is_left_of_it() -> None:
    assert rate_limit_headers([ACCOUNT]) == {POLICY: '"account";q=20000;w=20', LIMIT: '"account";r=19990;t=1'}


def test_bytes_have_a_unit_of_their_own() -> None:
    headers = rate_limit_headers([ACCOUNT, INGEST])
    assert headers[POLICY] == '"account";q=20000;w=20, "ingest";q=1048576;qu="content-bytes";w=1'
    assert headers[LIMIT] == '"account";r=19990;t=1, "ingest";r=0;t=1'


def test_the_bucket_of_the_whole_server_is_not_shown() -> None:
    assert rate_limit_headers([GLOBAL]) == {}
    assert rate_limit_headers([GLOBAL, ACCOUNT]) == rate_limit_headers([ACCOUNT])


def test_a_full_bucket_needs_no_time() -> None:
    assert rate_limit_headers([ACCOUNT._replace(available=20_000)])[LIMIT] == '"account";r=20000;t=0'


@pytest.mark.parametrize(("seconds", "whole"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.001, "2"), (59.5, "60")])
def test_a_refused_client_comes_back_after_whole_seconds(seconds: float, whole: str) -> None:
    assert rate_limit_headers([], seconds) == {AFTER: whole}


def test_no_window_ends_behind_the_next_try() -> None:
    slow = ACCOUNT._replace(available=0, refill=1.0)
    assert rate_limit_headers([slow])[LIMIT] == '"account";r=0;t=20000'
    assert rate_limit_headers([slow, ACCOUNT], 6.5) == {
        POLICY: '"account";q=20000;w=20000, "account";q=20000;w=20',
        LIMIT: '"account";r=0;t=7, "account";r=19990;t=1',
        AFTER: "7",
    }


def test_numbers_have_no_more_digits_than_a_field_may_hold() -> None:
    huge = LayerStatus("account", 2**53, 2**53, 1e-6, "points")
    assert rate_limit_headers([huge])[POLICY] == '"account";q=999999999999999;w=999999999999999'
    assert rate_limit_headers([huge])[LIMIT] == '"account";r=999999999999999;t=0'


def test_a_bucket_that_never_fills_has_no_window() -> None:
    fixed = ACCOUNT._replace(refill=0.0)
    assert rate_limit_headers([fixed]) == {POLICY: '"account";q=20000', LIMIT: '"account";r=19990'}


def test_a_refusal_brings_its_headers_along() -> None:
    limited = RateLimited("no", layer="account", retry_after=0.01, layers=(ACCOUNT,))
    assert refusal_headers(limited) == {**rate_limit_headers([ACCOUNT]), AFTER: "1"}
    assert refusal_headers(RateLimited("never", layer="account", layers=(ACCOUNT,))) == rate_limit_headers([ACCOUNT])
    assert refusal_headers(TooManySubscriptions("no")) == {AFTER: "10"}
    assert refusal_headers(NotFound("no")) == {}
