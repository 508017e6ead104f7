"""The media type that a client gets."""

import pytest

from cloudkeep.graphql.media_types import EVENT_STREAM, GRAPHQL_RESPONSE, HTML, JSON, accepted, is_json

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
URQL = f"{GRAPHQL_RESPONSE}, application/graphql+json, {JSON}, {EVENT_STREAM}, multipart/mixed"
APOLLO = f"multipart/mixed;boundary=graphql;subscriptionSpec=1.0,{GRAPHQL_RESPONSE},{JSON};q=0.9"

ACCEPTED = {
    "": (JSON,),
    " ": (JSON,),
    "*/*": (JSON, GRAPHQL_RESPONSE),
    "application/*": (JSON, GRAPHQL_RESPONSE),
    JSON: (JSON,),
    GRAPHQL_RESPONSE: (GRAPHQL_RESPONSE,),
    EVENT_STREAM: (EVENT_STREAM,),
    HTML: (HTML,),
    f"{GRAPHQL_RESPONSE}, {JSON}": (GRAPHQL_RESPONSE, JSON),
    f"{JSON}, {GRAPHQL_RESPONSE}": (JSON, GRAPHQL_RESPONSE),
    f"{JSON};q=0.9, {GRAPHQL_RESPONSE}": (GRAPHQL_RESPONSE, JSON),
    f"{JSON} ; Q=0.1 , {GRAPHQL_RESPONSE}; q=0.2": (GRAPHQL_RESPONSE, JSON),
    f"{GRAPHQL_RESPONSE}; charset=utf-8, {JSON}; charset=utf-8": (GRAPHQL_RESPONSE, JSON),
    f"{GRAPHQL_RESPONSE}; charset=latin-1, {JSON}": (JSON,),
    f"*/*, {GRAPHQL_RESPONSE}": (GRAPHQL_RESPONSE, JSON),
    f"*/*, {JSON};q=0": (GRAPHQL_RESPONSE,),
    f"{JSON};q=0, {GRAPHQL_RESPONSE};q=0.0": (),
    f"{EVENT_STREAM}, {JSON}": (EVENT_STREAM, JSON),
    f"{JSON}, {EVENT_STREAM}": (JSON, EVENT_STREAM),
    f"{GRAPHQL_RESPONSE.upper()}": (GRAPHQL_RESPONSE,),
    BROWSER: (HTML, JSON, GRAPHQL_RESPONSE),
    URQL: (GRAPHQL_RESPONSE, JSON, EVENT_STREAM),
    APOLLO: (GRAPHQL_RESPONSE, JSON),
    "text/*": (),
    "image/png": (),
    f"{JSON};q=x": (),
    f"{JSON};q=nan": (),
    ",;,=": (),
    f"{JSON}, " * 1_000: (JSON,),
    "a," * 30_000 + HTML: (),
}


@pytest.mark.parametrize(("header", "expected"), ACCEPTED.items(), ids=lambda value: str(value)[:60])
def test_the_preferred_type_of_the_client_comes_first(header: str, expected: tuple[str, ...]) -> None:
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
        (GRAPHQL_RESPONSE, False),
        ("", False),
    ],
)
def test_only_json_in_utf_8_is_json(header: str, expected: bool) -> None:
    assert is_json(header) is expected
