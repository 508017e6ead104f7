"""Refused origins in the log: each is logged once, their number is limited, and their text is escaped."""

import pytest

from cloudkeep.server.refused_origins import MOST_ORIGINS, REPEAT_SECONDS, RefusedOrigins


@pytest.fixture
def origins() -> RefusedOrigins:
    return RefusedOrigins()


def test_an_origin_is_logged_once_in_a_period(origins: RefusedOrigins, caplog: pytest.LogCaptureFixture) -> None:
    for moment in (0.0, 1.0, REPEAT_SECONDS - 1, REPEAT_SECONDS):
        origins.add("https://app.example.org", moment)
    assert caplog.messages == ["The origin 'https://app.example.org' is not in CLOUDKEEP_CORS_ORIGINS"] * 2


def test_many_origins_do_not_fill_the_log(origins: RefusedOrigins, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(1_000):
        origins.add(f"https://{number}.example.org", 0.0)
    assert len(caplog.messages) == MOST_ORIGINS


def test_an_origin_is_escaped_and_truncated_in_the_log(
    origins: RefusedOrigins, caplog: pytest.LogCaptureFixture
) -> None:
    origins.add("x\r\n2026 error \x1b[31m\u202e", 0.0)
    origins.add("y" * 5_000, 0.0)
    first, second = caplog.messages
    assert r"'x\r\n2026 error \x1b[31m\u202e'" in first
    assert len(second) < 200
