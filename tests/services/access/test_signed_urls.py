"""Signed URLs: what each of them opens, and that nothing else does."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from services.access.signed_urls import SignedUrls, SlotAuthorization, longest_lifetime
from services.access.types import Disposition
from services.core.clock import host_now
from services.core.errors import UrlExpired, UrlInvalid
from services.core.ids import Prefix, encode
from services.core.keys import SecretKey

OLD = SecretKey("old", b"the secret that signed last year's links")
NEW = SecretKey("new", b"the secret that signs the links of today")
RIGHT = SlotAuthorization(UUID(int=1), 3, 1_000)
HOUR = timedelta(hours=1)
BASE = "https://cloud.example"


def links(*keys: SecretKey, lifetime: timedelta = HOUR) -> SignedUrls:
    return SignedUrls(keys or (NEW,), lifetime)


def parts(url: str) -> tuple[str, dict[str, str]]:
    split = urlsplit(url)
    return split.path, {name: values[0] for name, values in parse_qs(split.query).items()}


def check_slot(url: str, right: SlotAuthorization = RIGHT, checker: SignedUrls | None = None) -> None:
    _, query = parts(url)
    (checker or links()).check_slot(right, query["expires"], query["signature"])


def test_a_slots_url_names_the_slot_and_opens_it() -> None:
    url = links().slot(RIGHT, BASE)
    path, query = parts(url)
    assert url.startswith(f"{BASE}/")
    assert (path, query["size"]) == (f"/uploads/{encode(Prefix.UPLOAD, RIGHT.upload_id)}/chunks/3", "1000")
    check_slot(url)


@pytest.mark.parametrize(
    "other", [replace(RIGHT, upload_id=UUID(int=2)), replace(RIGHT, index=4), replace(RIGHT, size=1_001)], ids=str
)
def test_a_slots_url_opens_no_other_slot(other: SlotAuthorization) -> None:
    with pytest.raises(UrlInvalid):
        check_slot(links().slot(RIGHT, BASE), other)


@pytest.mark.parametrize("kind", ["version", "rendition"])
def test_a_downloads_url_opens_its_path_and_no_other(kind: str) -> None:
    path, query = parts(getattr(links(), kind)(uuid4(), BASE))
    links().check_download(path, query["expires"], query["signature"])
    for other in (path.upper(), path + "/", path.replace("content", "contents")):
        with pytest.raises(UrlInvalid):
            links().check_download(other, query["expires"], query["signature"])


@pytest.mark.parametrize("kind", ["version", "rendition"])
def test_the_disposition_of_a_download_is_signed(kind: str) -> None:
    """A URL for storing a file cannot be made one for showing it, and the other way round."""
    path, shown = parts(getattr(links(), kind)(UUID(int=1), BASE, Disposition.INLINE))
    _, stored = parts(getattr(links(), kind)(UUID(int=1), BASE))
    expires = shown["expires"]
    assert links().check_download(path, expires, shown["signature"], shown["disposition"]) is Disposition.INLINE
    assert links().check_download(path, expires, stored["signature"]) is Disposition.ATTACHMENT
    for signature, disposition in ((shown["signature"], ""), (stored["signature"], "INLINE")):
        with pytest.raises(UrlInvalid):
            links().check_download(path, expires, signature, disposition)


def test_the_url_of_a_zip_file_expires_with_it_and_within_the_longest_lifetime() -> None:
    expires_at = links().expires_at()
    path, query = parts(links().zip(uuid4(), expires_at, BASE))
    links().check_download(path, query["expires"], query["signature"])
    assert int(query["expires"]) == expires_at.timestamp()
    assert expires_at - host_now() < longest_lifetime(timedelta(hours=1))


def test_the_right_to_read_is_not_the_right_to_fill() -> None:
    path, query = parts(links().slot(RIGHT, BASE))
    with pytest.raises(UrlInvalid):
        links().check_download(path, query["expires"], query["signature"])


def test_a_url_of_an_old_key_holds_while_the_key_is_known() -> None:
    url = links(OLD).slot(RIGHT, BASE)
    check_slot(url, checker=links(NEW, OLD))
    with pytest.raises(UrlInvalid):
        check_slot(url, checker=links(NEW))


def test_a_url_past_its_time_is_distinguished_from_a_forged_one() -> None:
    _, query = parts(links(lifetime=-2 * HOUR).slot(RIGHT, BASE))
    with pytest.raises(UrlExpired):
        links().check_slot(RIGHT, query["expires"], query["signature"])
    with pytest.raises(UrlInvalid):
        links().check_slot(RIGHT, str(int(query["expires"]) + 7_200), query["signature"])


def test_a_url_ends_on_the_hour_so_that_it_is_the_same_when_asked_for_twice() -> None:
    _, query = parts(links(lifetime=6 * HOUR).slot(RIGHT, BASE))
    assert int(query["expires"]) % 3_600 == 0


@pytest.mark.parametrize("expires", ["", "x", "-1", "1e9", " 9", "\u0661", "9" * 5_000, "0x9"])
def test_an_expiry_that_was_not_written_here_is_refused(expires: str) -> None:
    with pytest.raises(UrlInvalid):
        links().check_slot(RIGHT, expires, parts(links().slot(RIGHT, BASE))[1]["signature"])


@pytest.mark.parametrize("signature", ["", ".", "new", "new.", ".AAAA", "other.AAAA", "new.ä", "new.\0", "new." * 999])
def test_a_signature_that_was_not_made_here_is_refused(signature: str) -> None:
    with pytest.raises(UrlInvalid):
        links().check_slot(RIGHT, "9999999999", signature)
