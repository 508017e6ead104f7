"""The messages for the operator while the server starts and stops."""

import asyncio
import json
import os
import pty
import sys
from http import HTTPStatus

import pytest

from cloudkeep.supervisor.banner import print_stopping, print_when_ready
from tests.support.server import listening_socket

ANSWERS = [
    (503, {"detail": "Not ready: database, worker."}),
    (200, {"status": "ready", "degraded": ["redis", "worker"]}),
    (200, {"status": "ready"}),
]


async def test_the_banner_says_ready_when_nothing_is_missing_and_the_log_names_what_is(
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


def test_a_stop_is_announced_below_the_ctrl_c_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal, os.fdopen(master, "rb") as screen:
        monkeypatch.setattr(sys, "stdout", terminal)
        print_stopping()
        assert screen.read1() == b"\r\nStopping ...\r\n"


def test_a_stop_is_not_announced_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    print_stopping()
    assert capsys.readouterr().out == ""
