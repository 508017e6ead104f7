"""What the operator is told while the server starts."""

import asyncio
import json
from http import HTTPStatus

import pytest

from cloudkeep.supervisor.banner import print_when_ready
from tests.support.server import listening_socket

ANSWERS = [
    (503, {"detail": "Not ready: database, worker."}),
    (200, {"status": "ready", "degraded": ["redis", "worker"]}),
    (200, {"status": "ready"}),
]


async def test_ready_is_said_once_nothing_is_away_and_until_then_the_log_names_what_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cloudkeep.supervisor.banner._REMINDER_SECONDS", 0.0)
    left = iter(ANSWERS)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        status, body = next(left)
        writer.write(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n\r\n".encode())
        await asyncio.sleep(0.05)  # as servers do, the head goes first
        writer.write(json.dumps(body).encode())
        writer.close()

    with listening_socket() as listener:
        async with await asyncio.start_server(answer, sock=listener.dup()):
            await print_when_ready(listener)
    assert next(left, None) is None
    assert capsys.readouterr().out == "Ready.\n"
    assert caplog.messages == [
        "not ready yet: Not ready: database, worker.",
        "not ready yet: Ready, but degraded: redis, worker.",
    ]
