"""The format of the log, and secrets that are never logged."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from cloudkeep.telemetry.logs import LazyFormatter, without_secrets
from services.core.log_context import bound_log_context
from tests.e2e.conftest import sign_up
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.process import serving
from tests.support.server import PASSWORD, REGISTER, VERIFY, Api, Json, digest, http_client
from tests.support.waiting import eventually

#: Parameters of presigned URLs of S3 that are secret.
PRESIGNED = {"X-Amz-Signature", "X-Amz-Credential"}
REPORT = """mutation ($id: ID!, $chunks: [ReportedChunk!]!) { reportChunks(input: {uploadId: $id, chunks: $chunks}) {
    upload { status } userErrors { code } } }"""


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
        ("GET /versions/1/content?expires=1&signature=abc_-1 ok", "GET /versions/1/content?expires=1&signature=*** ok"),
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
            registration = (await api.data(REGISTER, input=person))["registration"]
            otp = process.otp()
            session = (await api.data(VERIFY, input={"registrationId": registration["id"], "otp": otp}))["session"]
            token = session["accessToken"]
            http.headers["Authorization"] = f"Bearer {token}"
            http.headers["X-Request-ID"] = "quote-me.1"
            content = b"x" * 100
            upload = await api.upload(content)
            await api.frames(upload["id"])
            ready = await api.look(upload["id"])
            answer = await http.get(ready["file"]["downloadUrl"])
            assert (answer.content, answer.headers["X-Request-ID"]) == (content, "quote-me.1")
            refused = await http.get("/versions/x/content", headers={"X-Request-ID": "not sane"})
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


async def test_the_log_of_a_direct_upload_has_no_presigned_url(tmp_path: Path, s3: S3Server) -> None:
    settings = {
        "CLOUDKEEP_BLOB_URL": s3.url(s3.new_place()),
        "CLOUDKEEP_S3_ACCESS_KEY": ACCESS_KEY,
        "CLOUDKEEP_S3_SECRET_KEY": SECRET_KEY,
        "CLOUDKEEP_DIRECT_UPLOADS": "true",
        "CLOUDKEEP_DOWNLOADS": "redirect",
    }
    with serving(
        tmp_path,
        None,
        CLOUDKEEP_LOG_FORMAT="json",
        CLOUDKEEP_LOG_LEVEL="debug",
        CLOUDKEEP_ACCESS_LOG="true",
        **settings,
    ) as process:
        async with http_client(process.url) as http:
            api, content = await sign_up(http, process), b"x" * 100
            upload = await api.init(content)
            (slot,) = upload["slots"]["nodes"]
            put = await api.put(slot, content)
            # The first report is wrong, so that the worker finds another SHA-256 and opens the slot again.
            for sha256 in ("0" * 64, digest(content)):
                report = {"index": 0, "etag": put.headers["ETag"], "sha256": sha256}
                await eventually(lambda: receiving(api, upload))
                (slot,) = (await api.look(upload["id"]))["slots"]["nodes"]
                put = await api.put(slot, content)
                await api.data(REPORT, id=upload["id"], chunks=[{**report, "etag": put.headers["ETag"]}])
            await api.frames(upload["id"])
            answer = await http.get((await api.look(upload["id"]))["file"]["downloadUrl"])
    urls = [slot["url"], answer.headers["Location"]]
    secrets = [values[0] for url in urls for name, values in parse_qs(urlsplit(url).query).items() if name in PRESIGNED]
    assert len(secrets) == 4
    text = "\n".join(process.lines)
    assert "route" in text
    assert [secret for secret in (*secrets, SECRET_KEY) if secret in text or quote(secret, safe="") in text] == []


async def receiving(api: Api, upload: Json) -> bool:
    return bool((await api.look(upload["id"]))["status"] == "RECEIVING")


@pytest.mark.parametrize("style", ["console", "json"])
def test_the_traceback_of_an_error_has_no_presigned_url(style: str) -> None:
    url = "https://s3.example.org/b/k?X-Amz-Credential=AKIA%2F1&X-Amz-Signature=0a1b2c&X-Amz-Date=1"
    try:
        raise OSError(f"GET {url} failed", {"Authorization": "Basic c2VjcmV0"})
    except OSError:
        text = line(style, "no answer from %s", url, exc_info=sys.exc_info())
    assert "Traceback" in text
    assert not any(secret in text for secret in ("AKIA", "0a1b2c", "c2VjcmV0"))
    assert "X-Amz-Date=1" in text


def records(lines: list[str]) -> list[dict[str, Any]]:
    """The log records in the output, which also has other lines, such as mail."""
    return [json.loads(line) for line in lines if line.startswith("{")]
