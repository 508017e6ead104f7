"""The format of the log, and secrets that are never logged."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudkeep.telemetry.logs import LazyFormatter, without_secrets
from services.core.log_context import bound_log_context
from tests.support.process import serving
from tests.support.server import PASSWORD, REGISTER, VERIFY, Api
from tests.support.waiting import eventually


def line(style: str, message: str, *arguments: object, **more: object) -> str:
    record = logging.LogRecord("cloudkeep.worker", logging.INFO, __file__, 1, message, arguments, None)
    record.__dict__.update(more)
    return LazyFormatter(style).format(record)


def test_a_console_record_is_one_line_without_colours_outside_of_a_terminal() -> None:
    with bound_log_context(upload_id="u1"):
        text = line("console", "took %d s", 3)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[info *\] took 3 s \[cloudkeep\.worker\] upload_id=u1", text
    )


def test_a_json_record_is_an_object_with_the_log_context() -> None:
    with bound_log_context(request_id="r1"), bound_log_context(upload_id="u1"):
        record = json.loads(line("json", "took %d s\nand", 3, seconds=3))
    moment = record.pop("timestamp")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert record == {
        "event": "took 3 s\nand",
        "level": "info",
        "logger": "cloudkeep.worker",
        "request_id": "r1",
        "upload_id": "u1",
        "seconds": 3,
    }


def test_a_line_break_in_a_message_does_not_start_a_new_record() -> None:
    assert "a\\r\\nb" in line("console", "a\r\nb")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at postgres://ada:secret@db:5432/x failed", "at postgres://***@db:5432/x failed"),
        ("redis://:secret@[::1]/0", "redis://***@[::1]/0"),
        ("GET /files/1/content?expires=1&signature=abc_-1 ok", "GET /files/1/content?expires=1&signature=*** ok"),
        ("Authorization: Bearer ey.J-x_y=", "Authorization: Bearer ***"),
        ("550 ada.l+1@example.org is unknown", "550 ***@example.org is unknown"),
        ("nothing of it: http://host/path", "nothing of it: http://host/path"),
    ],
)
def test_secrets_in_the_text_of_an_error_are_masked(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_own_records_are_logged_from_the_level_and_those_of_libraries_from_warning() -> None:
    program = """if True:
        import logging, sys
        from cloudkeep.telemetry.logs import set_up_logging
        set_up_logging("json", "DEBUG")
        assert "structlog" not in sys.modules
        logging.getLogger("workers.loop").debug("ours")
        logging.getLogger("library").info("chatter")
        logging.getLogger("library").warning("trouble")"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [json.loads(line)["event"] for line in result.stderr.splitlines()] == ["ours", "trouble"]


async def test_the_log_of_a_whole_upload_has_no_secrets(tmp_path: Path) -> None:
    with serving(
        tmp_path, CLOUDKEEP_LOG_FORMAT="json", CLOUDKEEP_LOG_LEVEL="debug", CLOUDKEEP_ACCESS_LOG="true"
    ) as process:
        async with httpx.AsyncClient(base_url=process.url, verify=False, timeout=30) as http:
            api = Api(http)
            person = {"userId": "ada", "userName": "Ada", "email": "ada@example.org", "password": PASSWORD}
            await api.data(REGISTER, input=person)
            otp = process.otp()
            session = (await api.data(VERIFY, input={"email": "ada@example.org", "otp": otp}))["session"]
            token = session["accessToken"]
            http.headers["Authorization"] = f"Bearer {token}"
            http.headers["X-Request-ID"] = "quote-me.1"
            content = b"x" * 100
            upload = await api.upload(content)
            await api.frames(upload["id"])
            ready = await api.look(upload["id"])
            answer = await http.get(ready["file"]["downloadUrl"])
            assert (answer.content, answer.headers["X-Request-ID"]) == (content, "quote-me.1")
            refused = await http.get("/files/x/content", headers={"X-Request-ID": "not sane"})
            assert refused.headers["X-Request-ID"] == refused.json()["requestId"] != "not sane"

            async def told() -> bool:
                return any(record.get("status") == 403 for record in records(process.lines))

            await eventually(told)
    entries = records(process.lines)
    chunk = next(record for record in entries if record.get("method") == "PUT")
    assert chunk["route"] == "/uploads/{upload_id}/chunks/{index}"
    assert (chunk["status"], chunk["upload_id"], chunk["request_id"]) == (200, upload["id"], "quote-me.1")
    assert chunk["account_id"] == session["account"]["id"]
    job = next(record for record in entries if "job_id" in record)
    assert (job["upload_id"], "worker" in job) == (upload["id"], True)
    assert not any(record.get("route") == "/readyz" for record in entries)
    url = upload["slots"]["nodes"][0]["url"]
    secrets = [PASSWORD, otp, token, session["refreshToken"], "ada@example.org", url.partition("signature=")[2]]
    secrets.append((tmp_path / "secret.keys").read_text().partition(":")[2].strip())
    text = "\n".join(json.dumps(record) for record in entries)
    assert [secret for secret in secrets if secret in text] == []
    assert "signature" not in text


def records(lines: list[str]) -> list[dict[str, Any]]:
    """The log records in the output, which also has other lines, such as mail."""
    return [json.loads(line) for line in lines if line.startswith("{")]
