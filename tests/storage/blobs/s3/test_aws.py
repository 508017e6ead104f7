"""A store on what looks like AWS: TLS, the bucket in the host's name, a region unknown to the global endpoint."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from storage.blobs import Part
from storage.blobs.s3.factory import open_s3_store
from storage.blobs.s3.store import S3BlobStore
from storage.blobs.s3.url import S3Options
from storage.errors import StoreUnavailable
from tests.contracts.blob_backends import CONTENT, SLOT, bytes_of, fill, fill_all, scanned
from tests.support.backends.aws import Aws, aws
from tests.support.backends.s3 import ACCESS_KEY, REGION, REGIONAL, SECRET_KEY, S3Server


@pytest.fixture
async def there(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Aws]:
    async with aws(s3.endpoint, tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
async def place(s3: S3Server) -> str:
    return s3.new_place()


@pytest.fixture
async def at_aws(there: Aws, place: str, tmp_path: Path) -> AsyncIterator[S3BlobStore]:
    store = await open_s3_store(there.url(place), S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path))
    yield store
    await store.close()


async def test_a_file_goes_the_whole_way_by_the_host_of_its_region(at_aws: S3BlobStore, there: Aws, place: str) -> None:
    await at_aws.check()
    staged = await fill_all(at_aws, await at_aws.stage("a file", len(CONTENT), SLOT))
    await at_aws.seal(staged.area, staged.parts)
    assert await scanned(at_aws, staged.area, 0, len(CONTENT)) == CONTENT
    assert await at_aws.publish(staged.area) == "a file"
    assert await bytes_of(at_aws.read("a file", SLOT - 1, SLOT)) == CONTENT[SLOT - 1 : 2 * SLOT - 1]
    assert there.hosts == {f"{place.partition('/')[0]}.{REGIONAL}"}


async def test_what_clients_are_sent_to_is_that_host_as_well(
    at_aws: S3BlobStore, there: Aws, place: str, s3: S3Server
) -> None:
    area = await at_aws.stage("a file", SLOT, SLOT)
    links = [
        await at_aws.slot_upload_url(area, 0, SLOT, 60),
        await at_aws.download_url("a file", 60, "text/plain", "inline"),
    ]
    assert {urlsplit(str(link)).netloc for link in links} == {f"{place.partition('/')[0]}.{REGIONAL}"}
    # Without TLS and DNS, a client connects to this server under any host name.
    put = httpx.Request("PUT", _past_tls(str(links[0]), s3), content=CONTENT[:SLOT], headers={"Host": _host(links[0])})
    async with httpx.AsyncClient() as client:
        etag = (await client.send(put)).headers["ETag"].strip('"')
        await at_aws.seal(area, [Part(0, 0, SLOT, etag)])
        get = httpx.Request("GET", _past_tls(str(links[1]), s3), headers={"Host": _host(links[1])})
        assert (await client.send(get)).content == CONTENT[:SLOT]


async def test_a_bucket_with_dots_is_named_in_the_path_for_no_certificate_covers_it(tmp_path: Path) -> None:
    store = await open_s3_store(f"s3://a.bucket?region={REGION}", S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path))
    link = urlsplit(str(await store.download_url("key", 60, "text/plain", "inline")))
    assert (link.netloc, link.path) == (REGIONAL, "/a.bucket/key")
    await store.close()


async def test_an_endpoint_of_the_environment_is_no_less_one_of_its_own(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = s3.new_place()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint.replace("127.0.0.1", "localhost"))
    store = await open_s3_store(f"s3://{place}?region=us-east-1", S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path))
    assert urlsplit(str(await store.download_url("key", 60, "text/plain", "inline"))).path == f"/{place}/key"
    await store.check()
    staged = await fill_all(store, await store.stage("a file", SLOT, SLOT), CONTENT[:SLOT])
    await store.seal(staged.area, staged.parts)
    await store.close()


async def test_clients_are_sent_to_their_own_way_to_the_bucket_as_it_is_named(tmp_path: Path) -> None:
    options = S3Options(ACCESS_KEY, SECRET_KEY, "https://files.example.org", tmp_path)
    store = await open_s3_store(f"s3://bucket?region={REGION}", options)
    link = urlsplit(str(await store.download_url("key", 60, "text/plain", "inline")))
    assert (link.netloc, link.path) == ("files.example.org", "/bucket/key")
    await store.close()


async def test_a_bucket_of_another_region_is_refused_by_its_name(
    there: Aws, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is redirected there by itself, and its answer says so; signed URLs would not be."""
    store = await open_s3_store(there.url(s3.new_place()), S3Options(ACCESS_KEY, SECRET_KEY, scratch=tmp_path))
    ask = store.bucket._client.head_bucket

    async def elsewhere(**asked: str) -> dict[str, str]:
        return {**await ask(**asked), "BucketRegion": "eu-west-1"}

    monkeypatch.setattr(store.bucket._client, "head_bucket", elsewhere)
    with pytest.raises(StoreUnavailable, match="region=eu-west-1"):
        await store.check()
    await store.close()


async def test_a_server_with_an_untrusted_certificate_gets_no_byte(
    at_aws: S3BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = await at_aws.stage("a file", SLOT, SLOT)
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with pytest.raises(Exception, match="cannot be reached: SSLCertVerificationError"):
        await fill(at_aws, area, 0, CONTENT[:SLOT])


def _past_tls(link: str, s3: S3Server) -> str:
    parts = urlsplit(link)
    return f"{s3.endpoint}{parts.path}?{parts.query}"


def _host(link: str | None) -> str:
    return urlsplit(str(link)).netloc
