"""The policies of the page, of GraphiQL and of their files."""

from pathlib import Path

import httpx
import pytest

from cloudkeep.settings.settings import Settings
from cloudkeep.settings.types import Downloads
from endpoints.page.policies import Policies
from tests.endpoints.page.conftest import client

S3 = "s3://films?endpoint=https://s3.internal&region=eu-central-1"
PUBLIC = "https://s3.example.org"


def directives(policy: str) -> dict[str, list[str]]:
    """The sources of a policy by directive."""
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


async def policy_of(http: httpx.AsyncClient, path: str) -> dict[str, list[str]]:
    """The only policy of a response."""
    (policy,) = (await http.get(path)).headers.get_list("Content-Security-Policy")
    return directives(policy)


async def test_the_page_runs_only_its_own_scripts_and_styles(page: httpx.AsyncClient) -> None:
    policy = await policy_of(page, "/")
    assert (
        policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == ["'none'"]
    )
    assert policy["script-src"] == policy["style-src"] == policy["worker-src"] == policy["frame-src"] == ["'self'"]
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert policy["trusted-types"] == ["svelte-trusted-html", "cloudkeep-workers"]
    assert policy["connect-src"] == ["'self'", "ws://localhost:8000"]


async def test_the_page_is_alone_in_its_group_and_uses_few_features(page: httpx.AsyncClient) -> None:
    headers = (await page.get("/")).headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert (headers["Referrer-Policy"], headers["X-Content-Type-Options"]) == ("no-referrer", "nosniff")
    assert "camera=()" in headers["Permissions-Policy"]


async def test_only_scripts_may_use_webassembly_for_they_may_be_workers(page: httpx.AsyncClient) -> None:
    assert "'wasm-unsafe-eval'" in (await policy_of(page, "/assets/index-abc.js"))["script-src"]
    assert "'wasm-unsafe-eval'" not in (await policy_of(page, "/"))["script-src"]
    assert "script-src" not in await policy_of(page, "/assets/index-abc.css")


def test_graphiql_alone_may_have_inline_styles_and_read_the_clipboard() -> None:
    headers = Policies().graphiql("https://cloud.example.org")
    assert "clipboard-read=(self)" in headers["Permissions-Policy"]
    assert "clipboard-read=()" in Policies().page("https://cloud.example.org")["Permissions-Policy"]
    policy = directives(headers["Content-Security-Policy"])
    assert policy["style-src"] == ["'self'", "'unsafe-inline'"]
    assert policy["script-src"] == policy["worker-src"] == policy["font-src"] == ["'self'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["connect-src"] == ["'self'", "wss://cloud.example.org"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"blob_url": S3, "s3_public_endpoint": PUBLIC}, []),
        ({"blob_url": S3, "direct_uploads": True}, ["https://s3.internal", "https://films.s3.internal"]),
        (
            {"blob_url": S3, "s3_public_endpoint": PUBLIC, "downloads": Downloads.REDIRECT},
            [PUBLIC, "https://films.s3.example.org"],
        ),
        (
            {"blob_url": "s3://films?region=eu-central-1", "direct_uploads": True},
            ["https://s3.eu-central-1.amazonaws.com", "https://films.s3.eu-central-1.amazonaws.com"],
        ),
        ({"direct_uploads": True}, []),
    ],
)
async def test_the_page_speaks_to_s3_only_where_the_settings_need_it(
    dist: Path, tmp_path: Path, changes: dict[str, object], expected: list[str]
) -> None:
    settings = Settings(data_dir=tmp_path / "data").model_copy(update=changes)
    async with client(settings, dist) as http:
        policy = await policy_of(http, "/")
    assert policy["connect-src"] == ["'self'", "ws://localhost:8000", *expected]
    assert policy["media-src"] == ["'self'", "blob:", *expected]
