"""Which of our media types a client gets."""

import pytest

from cloudkeep.graphql.media_types import EVENTS, HTML, JSON, RESPONSE, accepted, is_json

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
URQL = f"{RESPONSE}, application/graphql+json, {JSON}, {EVENTS}, multipart/mixed"
APOLLO = f"multipart/mixed;boundary=graphql;subscriptionSpec=1.0,{RESPONSE},{JSON};q=0.9"

ACCEPTED = {
    "": (JSON,),
    " ": (JSON,),
    "*/*": (JSON, RESPONSE),
    "application/*": (JSON, RESPONSE),
    JSON: (JSON,),
    RESPONSE: (RESPONSE,),
    EVENTS: (EVENTS,),
    HTML: (HTML,),
    f"{RESPONSE}, {JSON}": (RESPONSE, JSON),
    f"{JSON}, {RESPONSE}": (JSON, RESPONSE),
    f"{JSON};q=0.9, {RESPONSE}": (RESPONSE, JSON),
    f"{JSON} ; Q=0.1 , {RESPONSE}; q=0.2": (RESPONSE, JSON),
    f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8": (RESPONSE, JSON),
    f"{RESPONSE}; charset=latin-1, {JSON}": (JSON,),
    f"*/*, {RESPONSE}": (RESPONSE, JSON),
    f"*/*, {JSON};q=0": (RESPONSE,),
    f"{JSON};q=0, {RESPONSE};q=0.0": (),
    f"{EVENTS}, {JSON}": (EVENTS, JSON),
    f"{JSON}, {EVENTS}": (JSON, EVENTS),
    f"{RESPONSE.upper()}": (RESPONSE,),
    BROWSER: (HTML, JSON, RESPONSE),
    URQL: (RESPONSE, JSON, EVENTS),
    APOLLO: (RESPONSE, JSON),
    "text/*": (),
    "image/png": (),
    f"{JSON};q=x": (),
    f"{JSON};q=nan": (),
    ",;,=": (),
    f"{JSON}, " * 1_000: (JSON,),
}


@pytest.mark.parametrize(("header", "expected"), ACCEPTED.items(), ids=lambda value: str(value)[:60])
def test_what_the_client_wants_most_comes_first(header: str, expected: tuple[str, ...]) -> None:
    assert accepted(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (JSON, True),
        ("application/json;charset=UTF-8", True),
        ('application/json; charset="utf-8"', True),
        ("application/json; charset=utf-16", False),
        ("application/jsonx", False),
        ("text/plain; application/json", False),
        (RESPONSE, False),
        ("", False),
    ],
)
def test_only_json_in_utf_8_is_json(header: str, expected: bool) -> None:
    assert is_json(header) is expected
