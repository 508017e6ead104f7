"""Everything the command line's client asks the server for, in one place: an operator may have to trust it."""

from hashlib import sha256

SESSION = "session { accessToken refreshToken } userErrors { code message }"
STATE = "id status size receivedBytes direct error { message } file { id }"

ME = "{ me { id } }"
LOGIN = f"mutation ($input: LoginInput!) {{ login(input: $input) {{ {SESSION} }} }}"
REFRESH = f"mutation ($token: String!) {{ refreshSession(refreshToken: $token) {{ {SESSION} }} }}"
BEGIN = f"""mutation ($input: InitUploadInput!) {{
  initUpload(input: $input) {{ upload {{ {STATE} }} userErrors {{ code message }} }} }}"""
COMPLETE = f"""mutation ($id: ID!) {{
  completeUpload(uploadId: $id) {{ upload {{ {STATE} }} userErrors {{ code message }} }} }}"""
LOOK = f"query ($id: ID!) {{ upload(id: $id) {{ {STATE} }} }}"
SLOTS = """query ($id: ID!, $first: Int!, $after: String) {
  upload(id: $id) { slots(first: $first, after: $after, missing: true) {
    nodes { index offset size url } pageInfo { hasNextPage endCursor } } } }"""
REPORT = """mutation ($id: ID!, $chunks: [ReportedChunk!]!) {
  reportChunks(uploadId: $id, chunks: $chunks) { upload { id } userErrors { code message } } }"""
PROGRESS = """subscription ($id: ID!, $after: String) {
  uploadProgress(uploadId: $id, after: $after) { cursor stage percent etaSeconds speed waitsFor } }"""

ALL = (ME, LOGIN, REFRESH, BEGIN, COMPLETE, LOOK, SLOTS, REPORT, PROGRESS)


def by_digest() -> dict[str, str]:
    """All of them as a file of trusted documents has them."""
    return {f"sha256:{sha256(document.encode()).hexdigest()}": document for document in ALL}
