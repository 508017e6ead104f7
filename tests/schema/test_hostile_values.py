"""Values that no database column can hold, in every argument: they are refused with a code, without an internal error.

PostgreSQL refuses NUL, unpaired surrogates, and integers and texts that are too large for their column; SQLite accepts
all of these.
"""

import asyncio
import json
from uuid import UUID, uuid4

import pytest

from tests.support.server import PASSWORD, Api, Json, digest
from tests.support.shared_server import SharedServer

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]

TEXTS = (
    "a\0b",
    "a\udfffb",
    "\U0010ffff",
    "9" * 400,
    "999999999",
    "x/" + "y" * 300,
    "é" * 5_000,
    str(UUID(int=2**128 - 1)),
    f"{uuid4()}.\0",
)
NUMBERS = (-1, 2**31 - 1, 2**31, 2**53, 2**63, 10**400, 1.5)

INIT = "mutation ($input: InitUploadInput!) { initUpload(input: $input) { upload { id } userErrors { code } } }"
REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }"
VERIFY = "mutation ($input: VerifyOtpInput!) { verifyOtp(input: $input) { userErrors { code } } }"
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code } } }"
REFRESH = "mutation ($v: String!) { refreshSession(input: {refreshToken: $v}) { userErrors { code } } }"
REPORT = """mutation ($id: ID!, $chunks: [ReportedChunk!]!) {
    reportChunks(input: {uploadId: $id, chunks: $chunks}) { userErrors { code } } }"""

CREATE = "mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret userErrors { code } } }"
REVOKE = "mutation ($input: RevokeApiTokenInput!) { revokeApiToken(input: $input) { userErrors { code } } }"

#: Valid inputs. One field at a time is replaced by a hostile value. Without a SHA-256, every upload is a new one.
GOOD: dict[str, tuple[str, Json]] = {
    "init": (INIT, {"fileName": "a.bin", "size": 70_000}),
    "register": (REGISTER, {"userId": "someone", "userName": "A", "email": "a@example.org", "password": PASSWORD}),
    "verify": (VERIFY, {"registrationId": "registration_x", "otp": "000000"}),
    "login": (LOGIN, {"userId": "nobody", "password": PASSWORD}),
    "create": (CREATE, {"name": "a script", "scopes": ["READ"]}),
    "revoke": (REVOKE, {"apiTokenId": "token_x"}),
}
TEXT_FIELDS = (
    *(("init", name) for name in ("fileName", "mimeType", "sha256", "idempotencyKey")),
    *(("register", name) for name in ("userId", "userName", "email", "password")),
    *(("verify", name) for name in ("registrationId", "otp")),
    *(("login", name) for name in ("userId", "password")),
    ("create", "name"),
    ("revoke", "apiTokenId"),
)
NUMBER_FIELDS = (("init", "size"), ("init", "chunkSize"))
IDS = (
    "query ($v: ID!) { upload(id: $v) { id } file(id: $v) { id } node(id: $v) { id } }",
    *(
        f"mutation ($v: ID!) {{ {name}(uploadId: $v) {{ userErrors {{ code }} }} }}"
        for name in ("completeUpload", "abortUpload", "retryUpload")
    ),
    REFRESH,
    "mutation ($v: ID!) { revokeSession(input: {sessionId: $v}) { userErrors { code } } }",
    "mutation ($v: String!) { logout(input: {refreshToken: $v}) { userErrors { code } } }",
    "query ($v: String) { me { sessions(before: $v) { nodes { id } } } }",
    "query ($v: String) { uploads(after: $v) { nodes { id } } }",
    "query ($v: String) { files(after: $v) { nodes { id } } }",
)
COUNTS = (
    "query ($v: Int) { uploads(first: $v) { nodes { id } } }",
    "query ($v: Int) { files(first: $v) { nodes { id } } }",
)


def operations(upload: str) -> list[tuple[str, Json]]:
    """Every operation with one hostile value in it."""
    requests: list[tuple[str, Json]] = []
    for fields, values in ((TEXT_FIELDS, TEXTS), (NUMBER_FIELDS, NUMBERS)):
        for kind, name in fields:
            document, good = GOOD[kind]
            requests += [(document, {"input": {**good, name: value}}) for value in values]
    requests += [(document, {"v": value}) for document in IDS for value in TEXTS]
    requests += [(document, {"v": value}) for document in COUNTS for value in NUMBERS]
    pages = "query ($id: ID!, $v: String) { upload(id: $id) { slots(after: $v) { nodes { index } } } }"
    sizes = "query ($id: ID!, $v: Int) { upload(id: $id) { slots(first: $v) { nodes { index } } } }"
    slot = "query ($id: ID!, $v: Int!) { upload(id: $id) { slot(index: $v) { index } } }"
    requests += [(pages, {"id": upload, "v": value}) for value in TEXTS]
    requests += [(document, {"id": upload, "v": value}) for document in (sizes, slot) for value in NUMBERS]
    hashes = [{**GOOD["init"][1], "chunkSize": 65_536, "chunkHashes": [value, value]} for value in TEXTS]
    requests += [(INIT, {"input": value}) for value in hashes]
    heights = [{**GOOD["init"][1], "compress": {"preset": "FAST", "maxHeight": value}} for value in NUMBERS]
    requests += [(INIT, {"input": value}) for value in heights]
    reports = [{"index": 0, "etag": value, "sha256": value} for value in TEXTS]
    reports += [{"index": value, "etag": "e", "sha256": digest(b"")} for value in NUMBERS]
    return requests + [(REPORT, {"id": upload, "chunks": [report]}) for report in reports]


async def ask(api: Api, document: str, variables: Json) -> tuple[int, str]:
    """The status and text of the response. Unpaired surrogates are sent as JSON escapes."""
    body = json.dumps({"query": document, "variables": variables}).encode()
    response = await api.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    return response.status_code, response.text


async def test_no_value_of_an_argument_causes_an_internal_error(shared: SharedServer) -> None:
    upload = await shared.api.init(b"x" * 70_000)
    rooms = asyncio.Semaphore(8)

    async def check(document: str, variables: Json) -> str | None:
        async with rooms:
            status, text = await ask(shared.api, document, variables)
        bad = status >= 500 or '"INTERNAL"' in text or "TEMPORARILY" in text
        return f"{status} {text[:200]} <- {document} {str(variables)[:200]}" if bad else None

    failures = await asyncio.gather(*(check(*each) for each in operations(upload["id"])))
    assert [line for line in failures if line] == []
    assert (await shared.api.look(upload["id"]))["status"] in {"RECEIVING", "ABORTED"}


@pytest.mark.parametrize("after", ["1-1\0", "\ud800", "18446744073709551616-0"])
async def test_no_cursor_of_a_subscription_causes_an_internal_error(shared: SharedServer, after: str) -> None:
    upload = await shared.api.init(b"y" * 70_000)
    document = "subscription ($id: ID!, $v: String) { uploadProgress(uploadId: $id, after: $v) { cursor } }"
    body = json.dumps({"query": document, "variables": {"id": upload["id"], "v": after}}).encode()
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    async with shared.api.http.stream("POST", "/graphql", content=body, headers=headers) as response:
        text = await anext(response.aiter_text(), "")
    assert response.status_code < 500
    assert '"INTERNAL"' not in text


@pytest.mark.parametrize("part", ["0%00", "2147483648", "9" * 16, "%ED%A0%80", "\u0661"])
async def test_no_part_of_a_url_causes_an_internal_error(shared: SharedServer, part: str) -> None:
    upload = await shared.api.init(b"z" * 70_000)
    url = upload["slots"]["nodes"][0]["url"]
    path, _, query = url.partition("?")
    for address in (
        f"{path[: path.rindex('/')]}/{part}?{query}",
        f"{path.replace(upload['id'], part)}?{query}",
        f"{path}?{query}&size={part}&expires={part}&signature={part}",
        f"/versions/{part}/content?expires={part}&signature={part}",
        f"/renditions/{part}/content?expires={part}&signature={part}",
    ):
        response = await shared.api.http.put(address, content=b"x")
        assert response.status_code < 500, address
        assert (await shared.api.http.get(address)).status_code < 500, address
