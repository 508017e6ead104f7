"""The signatures are those of AWS's client."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.blobs.s3.signing import SAMPLE, Signer

ENDPOINTS = [
    (None, "eu-central-1", "auto", None),
    (None, "us-east-1", "auto", "a session's token/+="),
    ("https://s3.example.org", "us-east-1", "path", None),
    ("http://127.0.0.1:8333", "us-east-1", "path", None),
    ("https://s3.example.org:443", "eu-west-1", "path", None),
]
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
KEYS = st.text("abcXYZ019-_.~ +/äß%&=", min_size=1, max_size=30).filter(
    lambda key: not key.startswith("/") and "//" not in key and "." not in key.split("/") and ".." not in key.split("/")
)


def client(endpoint: str | None, region: str, style: str, token: str | None) -> Any:
    options: Any = {"addressing_style": style}
    config = Config(signature_version="s3v4", s3=options)
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="access",
        aws_secret_access_key="a secret",
        aws_session_token=token,
        config=config,
    )


@pytest.fixture(scope="module", params=ENDPOINTS, ids=lambda each: f"{each[0]} {each[1]}")
def theirs(request: pytest.FixtureRequest) -> tuple[Any, Signer, Credentials]:
    """AWS's client, and CloudKeep's signer for the same bucket and keys."""
    made = client(*request.param)
    sample = made.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": SAMPLE})
    return made, Signer(sample), Credentials("access", "a secret", request.param[3])


def same(ours: str, other: str) -> None:
    mine, known = urlsplit(ours), urlsplit(other)
    assert (mine.scheme, mine.path) == (known.scheme, known.path)
    assert mine.netloc.removesuffix(":443") == known.netloc.removesuffix(":443")
    assert sorted(parse_qsl(mine.query)) == sorted(parse_qsl(known.query))


def moment(url: str) -> datetime:
    return datetime.strptime(dict(parse_qsl(urlsplit(url).query))["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@settings(max_examples=15, deadline=None)
@given(key=KEYS, upload=TEXT, number=st.integers(1, 10_000), size=st.integers(1, 2**32), seconds=st.integers(1, 3600))
def test_a_part_is_signed_as_by_the_client_of_aws(
    theirs: tuple[Any, Signer, Credentials], key: str, upload: str, number: int, size: int, seconds: int
) -> None:
    made, signer, keys = theirs
    asked = {"Bucket": "bucket", "Key": key, "UploadId": upload, "PartNumber": number, "ContentLength": size}
    url = made.generate_presigned_url("upload_part", Params=asked, ExpiresIn=seconds)
    query = {"uploadId": upload, "partNumber": str(number)}
    same(signer.sign("PUT", key, query, keys, seconds, size, moment(url)), url)


@settings(max_examples=15, deadline=None)
@given(key=KEYS, kind=TEXT, name=TEXT)
def test_a_download_is_signed_as_by_the_client_of_aws(
    theirs: tuple[Any, Signer, Credentials], key: str, kind: str, name: str
) -> None:
    made, signer, keys = theirs
    said = {"ResponseContentType": kind, "ResponseContentDisposition": name}
    url = made.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": key, **said}, ExpiresIn=60)
    query = {"response-content-type": kind, "response-content-disposition": name}
    same(signer.sign("GET", key, query, keys, 60, None, moment(url)), url)
