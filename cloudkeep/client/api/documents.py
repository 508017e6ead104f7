"""All GraphQL documents that the command line sends, in one place for servers that only run trusted documents."""

from collections.abc import Iterable
from hashlib import sha256

USER_ERRORS = "userErrors { field code message }"
SESSION_FIELDS = f"""session {{
    accessToken refreshToken expiresAt deviceToken account {{ id userId }} session {{ id }} }} {USER_ERRORS}"""
UPLOAD_FIELDS = """id status size receivedBytes direct error { message }
    file { id download { url } renditions { recipe download { url } } }"""

#: Those of a small file, which has no renditions: each field counts for thousands of files.
SMALL_UPLOAD_FIELDS = "id status size receivedBytes direct error { message } file { id download { url } }"

ME = "{ me { id } }"
LOGIN = f"mutation ($input: LoginInput!) {{ login(input: $input) {{ {SESSION_FIELDS} }} }}"
REFRESH_SESSION = f"mutation ($input: RefreshSessionInput!) {{ refreshSession(input: $input) {{ {SESSION_FIELDS} }} }}"
INIT_UPLOAD = f"""mutation ($input: InitUploadInput!) {{
  initUpload(input: $input) {{ upload {{ {UPLOAD_FIELDS} }} userErrors {{ code message }} }} }}"""
COMPLETE_UPLOAD = f"""mutation ($input: CompleteUploadInput!) {{
  completeUpload(input: $input) {{ upload {{ {UPLOAD_FIELDS} }} userErrors {{ code message }} }} }}"""
INIT_UPLOADS = f"""mutation ($input: InitUploadsInput!) {{
  initUploads(input: $input) {{ userErrors {{ code message }} results {{
    upload {{ {SMALL_UPLOAD_FIELDS} slot(index: 0) {{ url received }} }} userErrors {{ code message field }} }} }} }}"""
UPLOADS_BY_IDS = f"query ($ids: [ID!]!) {{ uploadsByIds(ids: $ids) {{ {SMALL_UPLOAD_FIELDS} }} }}"
UPLOAD_STATUS = "query ($id: ID!) { upload(id: $id) { status } }"
UPLOAD = f"query ($id: ID!) {{ upload(id: $id) {{ {UPLOAD_FIELDS} }} }}"
MISSING_SLOTS = """query ($id: ID!, $first: Int!, $after: String) {
  upload(id: $id) { slots(first: $first, after: $after, missing: true) {
    nodes { index offset size url } pageInfo { hasNextPage endCursor } } } }"""
REPORT_CHUNKS = """mutation ($input: ReportChunksInput!) {
  reportChunks(input: $input) { upload { id } userErrors { code message } } }"""
UPLOAD_PROGRESS = """subscription ($id: ID!, $after: String) {
  uploadProgress(uploadId: $id, after: $after) { cursor stage percent etaSeconds speed waitsFor } }"""

ALL = (
    ME,
    LOGIN,
    REFRESH_SESSION,
    INIT_UPLOAD,
    INIT_UPLOADS,
    UPLOADS_BY_IDS,
    UPLOAD_STATUS,
    COMPLETE_UPLOAD,
    UPLOAD,
    MISSING_SLOTS,
    REPORT_CHUNKS,
    UPLOAD_PROGRESS,
)


def persisted_documents(documents: Iterable[str]) -> dict[str, str]:
    """The documents by their IDs, in the format of a file of persisted documents."""
    return {f"sha256:{sha256(document.encode()).hexdigest()}": document for document in documents}
