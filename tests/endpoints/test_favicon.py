"""The icon: small, cached, and in both forms that browsers look for."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("path", "media_type", "start"),
    [
        ("/favicon.ico", "image/vnd.microsoft.icon", b"\0\0\1\0"),
        ("/favicon.svg", "image/svg+xml", b"<svg "),
    ],
)
async def test_the_icon_is_small_and_cached(http: httpx.AsyncClient, path: str, media_type: str, start: bytes) -> None:
    response = await http.get(path)
    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    assert response.content.startswith(start)
    assert len(response.content) < 2_000
    assert "max-age=" in response.headers["Cache-Control"]
