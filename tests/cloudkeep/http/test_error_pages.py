"""Errors are pages in a browser that follows a link, and problem documents for all other clients."""

import re

import httpx
import pytest

from cloudkeep.http.error_pages import prefers_page, render
from tests.support.server import Api

NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
DOCUMENT = "application/problem+json"


@pytest.mark.parametrize("accept", [NAVIGATION, "text/html", "TEXT/HTML, */*", "text/html;q=0.9, */*;q=0.1"])
def test_a_browser_that_navigates_prefers_a_page(accept: str) -> None:
    assert prefers_page(accept)


@pytest.mark.parametrize(
    "accept",
    [
        *("", "*/*", "application/json", "text/*", "text/html;q=0, */*", "text/event-stream, text/html"),
        *(DOCUMENT, f"{DOCUMENT}, text/html", "application/json, text/html;q=0.5"),
    ],
)
def test_other_clients_prefer_the_problem_document(accept: str) -> None:
    assert not prefers_page(accept)


async def test_a_404_is_a_page_in_a_browser(http: httpx.AsyncClient) -> None:
    response = await http.get("/nothing", headers={"Accept": NAVIGATION, "X-Request-ID": "request-of-mine"})
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "accept" in response.headers["Vary"].lower()
    for text in ("<h1>Not Found</h1>", "NOT_FOUND", "request-of-mine"):
        assert text in response.text
    assert int(response.headers["Content-Length"]) == len(response.content)


async def test_other_clients_get_the_problem_document(http: httpx.AsyncClient) -> None:
    response = await http.get("/nothing")
    assert response.headers["Content-Type"] == DOCUMENT
    assert "accept" in response.headers["Vary"].lower()


async def test_head_has_the_headers_of_the_page(http: httpx.AsyncClient) -> None:
    response = await http.head("/nothing", headers={"Accept": NAVIGATION})
    assert (response.status_code, response.content) == (404, b"")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_the_page_for_a_wrong_method_keeps_the_headers(api: Api, http: httpx.AsyncClient) -> None:
    upload = await api.init(b"abc")
    response = await http.get(upload["slots"]["nodes"][0]["url"], headers={"Accept": NAVIGATION})
    assert (response.status_code, response.headers["Content-Type"]) == (405, "text/html; charset=utf-8")
    assert "PUT" in response.headers["Allow"]


async def test_an_altered_link_shows_a_page(http: httpx.AsyncClient) -> None:
    url = "/versions/00000000-0000-0000-0000-000000000001/content?expires=9999999999&signature=altered"
    response = await http.get(url, headers={"Accept": NAVIGATION})
    assert response.status_code == 403
    assert "URL_INVALID" in response.text


async def test_the_page_loads_nothing_from_other_origins_and_runs_no_script(http: httpx.AsyncClient) -> None:
    response = await http.get("/nothing", headers={"Accept": NAVIGATION})
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(r"https?://|<script|javascript:", response.text)
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_text_of_the_request_is_escaped() -> None:
    problem = {"title": "Bad", "status": 400, "code": "X", "detail": "<script>alert(1)</script>", "requestId": '"><b>'}
    page = render(problem)
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
