"""The documentation agrees with the code: paths exist, and limits are those of the constants."""

import re
from pathlib import Path

import pytest

from cloudkeep.graphql import request, websocket
from cloudkeep.graphql.websocket_endpoint import SUBSCRIPTIONS_PER_CONNECTION
from cloudkeep.server import bounded_http, connection_gate, request_limits, websocket_frames
from cloudkeep.server.bounded_http import TIMEOUTS, Phase
from cloudkeep.supervisor import process
from resolvers import pages
from schema.execution import documents, variables
from services.budgets import request_memory, subscription_leases
from services.maintenance import sweeper
from storage.budgets import subscription_leases as leases
from storage.database.postgres import engine as postgres
from storage.token_buckets import redis as buckets

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = (
    "cloudkeep",
    "schema",
    "resolvers",
    "endpoints",
    "services",
    "workers",
    "storage",
    "tests",
    "bench",
    "deploy",
    "page_build",
    "web",
)
#: A file that a contributor may add, and folders that tests make.
NOT_THERE = {
    "workers/mail/send.py",
    *(f"tests/{name}/.cache" for name in ("browser", "clients", "web")),
    "bench/.cache",
    "web/.build/log.txt",
}
PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+\.\w+)`")

#: What a passage is about, and the number that stands within some words of it.
LIMITS: dict[str, tuple[str, float]] = {
    "a head": (r"head", TIMEOUTS[Phase.HEADERS]),
    "a body": (r"body", TIMEOUTS[Phase.BODY]),
    "a refused body": (r"MiB", bounded_http.MAX_REFUSED_BYTES / 2**20),
    "fields of a head": (r"fields", request_limits.MAX_FIELDS),
    "bytes of a head": (r"its head", request_limits.MAX_HEAD_BYTES / 2**10),
    "waiting requests of a connection": (r"requests that wait", request_limits.MAX_PIPELINED),
    "frames at once": (r"frames at once", websocket_frames.FRAME_BURST),
    "frames per second": (r"per second", websocket_frames.FRAME_RATE),
    "frames of a message": (r"of one message", websocket_frames.MAX_FRAGMENTS),
    "connections of a process": (r"process holds", connection_gate.MAX_CONNECTIONS),
    "memory of an address": (r"of memory for an address", request_memory.CLIENT_BYTES / 2**20),
    "memory of incomplete requests": (r"MiB in a process", request_memory.TOTAL_BYTES / 2**20),
    "silence in a body": (r"silence", bounded_http.BODY_SILENCE),
    "silent polls": (r"polls", process.MAX_SILENT_POLLS),
    "silent polls of a start": (r"polls", process.MAX_SILENT_POLLS_AT_START),
    "a batch": (r"batch", request.MAX_BATCH),
    "operations on a WebSocket": (r"operations", SUBSCRIPTIONS_PER_CONNECTION),
    "an idle WebSocket": (r"no operation for", websocket.IDLE_SECONDS / 60),
    "values of variables": (r"values", variables.MAX_VALUES),
    "tokens of a document": (r"tokens", documents.MAX_TOKENS),
    "tokens for a point": (r"tokens", documents.TOKENS_A_POINT),
    "a page": (r"first", pages.MAX_PAGE),
    "renewed leases": (r"renews", subscription_leases.RENEW_SECONDS),
    "expired leases": (r"expire", leases.LEASE_SECONDS),
    "kept rows of uploads": (r"deleted", sweeper.RETENTION.days),
    "claims in a call": (r"at most", buckets.MAX_CLAIMS),
    "waiting requests": (r"requests wait", buckets.MAX_WAITING),
    "a statement of PostgreSQL": (r"statement", postgres.STATEMENT),
    "a connection to PostgreSQL": (r"connection", postgres.CONNECT),
}
#: Characters between the number and what it is about.
NEAR = 150


def text_of(pages: list[Path]) -> str:
    return " ".join(" ".join(page.read_text() for page in pages).split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_the_docs_exists(page: Path) -> None:
    text = page.read_text()
    named = {path for path in PATH.findall(text) if path not in NOT_THERE}
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize(("subject", "number"), LIMITS.values(), ids=LIMITS.keys())
def test_limits_in_the_docs_are_those_of_the_code(subject: str, number: float) -> None:
    digits = rf"(?<![\d,.]){number:,.0f}(?!\d|[,.]\d)"
    near = rf"{subject}.{{0,{NEAR}}}?{digits}|{digits}.{{0,{NEAR}}}?{subject}"
    assert re.search(near, text_of(PAGES)), f"no page says {number:,.0f} near {subject!r}"
