"""Parameters of requests to S3."""

from contextlib import suppress
from pathlib import Path

import pytest

from storage.blobs.s3.factory import open_s3_store
from storage.blobs.s3.url import S3Options
from storage.errors import StorageError
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.faults.s3_faults import s3_faults

CASES = [
    ("sse=AES256", {"x-amz-server-side-encryption: AES256"}),
    (
        "sse=aws:kms&sse_key=a-key&storage_class=STANDARD_IA",
        {
            "x-amz-server-side-encryption: aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id: a-key",
            "x-amz-storage-class: STANDARD_IA",
        },
    ),
]


@pytest.mark.parametrize(("options", "said"), CASES, ids=["managed key", "own key"])
async def test_encryption_and_storage_class_are_said_wherever_an_object_begins(
    s3: S3Server, tmp_path: Path, options: str, said: set[str]
) -> None:
    source = tmp_path / "a file"
    source.write_bytes(b"bytes")
    async with s3_faults(s3.endpoint) as faults:
        url = f"{s3.url(s3.new_place(), faults.url)}&{options}"
        store = await open_s3_store(url, S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path))
        # The server need not have such a key.
        with suppress(StorageError):
            await store.stage("staged", 5, 5)
        with suppress(StorageError):
            await store.put("put", source)
        await store.close()
    begun = [head.splitlines() for head in faults.heads if head.startswith("POST") and "uploads" in head.split(" ")[1]]
    assert {line[0].partition("?")[0].rpartition("/")[2] for line in begun} == {"staged", "put"}
    assert all(said <= set(head) for head in begun)
    # Parts inherit the parameters of their multipart upload.
    assert all("uploadId=" in head.split(" ")[1] for head in faults.heads if head.startswith("PUT"))
