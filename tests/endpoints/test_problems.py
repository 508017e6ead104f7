"""Problem documents: one shape for every error, and no internal detail in any."""

import json
import sqlite3

import httpx
import pytest
from starlette.requests import Request

from cloudkeep.settings.settings import Settings
from endpoints.problems import problem, refusal_response
from services.budgets.errors import RateLimited
from storage.database.sqlite import engine as sqlite
from tests.support.backends.databases import written_by_another
from tests.support.server import Api

INSIDE = ("sqlite", "Traceback", "no such table", "chunk ", "OperationalError", ".py")


async def test_an_unknown_path_is_a_problem(http: httpx.AsyncClient) -> None:
    for path in ["/nothing", "/uploads", "/uploads/x", "/versions/x", "/graphql/x", "/healthz/x"]:
        response = await http.get(path)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")
        assert response.json()["detail"] == "There is nothing at this address."


async def test_a_wrong_method_is_a_problem_that_names_the_right_one(http: httpx.AsyncClient) -> None:
    response = await http.post("/healthz")
    assert (response.status_code, response.json()["title"]) == (405, "Method Not Allowed")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    assert response.json()["detail"] == "This address answers only to GET, HEAD."


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use short timeouts for the database."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 20)


@pytest.mark.sqlite
@pytest.mark.usefixtures("_hasty")
async def test_a_database_that_another_process_keeps_locked_gives_a_retryable_error(
    api: Api, settings: Settings
) -> None:
    upload = await api.init(b"abc")
    with written_by_another(settings.database_url):
        response = await api.put(upload["slots"]["nodes"][0], b"abc")
    assert (response.status_code, response.json()["code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert response.headers["Retry-After"] == "2"
    assert not any(word in response.text for word in INSIDE)
    assert (await api.put(upload["slots"]["nodes"][0], b"abc")).status_code == 200


@pytest.mark.sqlite
async def test_an_internal_error_is_a_problem_that_says_nothing_of_the_inside(api: Api, settings: Settings) -> None:
    upload = await api.init(b"abc")
    with sqlite3.connect(settings.database_url.removeprefix("sqlite://")) as database:
        database.execute("DROP TABLE chunk")
    response = await api.put(upload["slots"]["nodes"][0], b"abc")
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL")
    assert not any(word in response.text for word in INSIDE)


def test_a_problem_quotes_no_presigned_url() -> None:
    response = problem(503, "STORAGE_UNAVAILABLE", "No answer from https://host/key?X-Amz-Signature=0a1b2c&a=1")
    assert json.loads(bytes(response.body))["detail"] == "No answer from https://host/key?X-Amz-Signature=***&a=1"


@pytest.mark.parametrize(("seconds", "header"), [(0.001, "1"), (1.0, "1"), (1.2, "2"), (None, None)])
async def test_a_used_up_budget_says_how_long_to_wait(seconds: float | None, header: str | None) -> None:
    error = RateLimited("Too much.", layer="account", retry_after=seconds)
    response = await refusal_response(Request({"type": "http"}), error)
    assert (response.status_code, response.headers.get("Retry-After")) == (429, header)
    assert json.loads(bytes(response.body)) == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "code": "RATE_LIMITED",
        "detail": "Too much.",
        "layer": "account",
        "retryAfter": seconds,
    }
