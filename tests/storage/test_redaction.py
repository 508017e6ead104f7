"""Secrets in the texts of errors are replaced, and everything else stays."""

from urllib.parse import quote

import pytest

from services.accounts.api_tokens import PREFIX
from services.core import checked_tokens
from storage.redaction import without_credentials

SECRET = "AbC+dE/f0-_9~x=="
ENCODED = quote(SECRET, safe="")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
PARAMETERS = (
    "signature",
    "Signature",
    "X-Amz-Signature",
    "x-amz-signature",
    "X-AMZ-SIGNATURE",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "X-Goog-Signature",
    "X-Goog-Credential",
    "GoogleAccessId",
    "sig",
    "SIG",
    "Key-Pair-Id",
    "token",
    "access_token",
    "refreshToken",
    "password",
    "aws_secret_access_key",
    "AccountKey",
)


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize(
    "form",
    [
        "GET https://host/file?a=1&{name}={value}&X-Amz-Date=20260101 failed",
        "GET https://host/file?{name}={value} failed",
        "GET https://host/file?{name}={value}",
        "error('https://host/file?a=1&{name}={value}', 403)",
        '{{"error": "https://host/file?a=1&{name}={value}"}}',
        '{{"error": "said \\"https://host/file?a=1&{name}={value}\\" to it"}}',
        "Call({name}='{value}', other=1)",
        'Call({name}="{value}", other=1)',
        "{{'{name}': '{value}'}}",
        '{{"{name}": "{value}"}}',
        '{{\\"{name}\\": \\"{value}\\"}}',
        "[(b'{name}', b'{value}')]",
    ],
)
def test_a_secret_is_replaced_by_its_name_however_it_is_written(form: str, name: str) -> None:
    text = form.format(name=name, value=ENCODED)
    assert without_credentials(text) == form.format(name=name, value="***")


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_secret_in_a_url_within_a_url_is_replaced(name: str, times: int) -> None:
    def inner(value: str) -> str:
        text = f"https://host/file?{name}={value}&a=1"
        for _ in range(times):
            text = quote(text, safe="")
        return f"GET /proxy?url={text}&b=2 failed"

    assert without_credentials(inner(SECRET)) == inner("***").replace("%2A%2A%2A", "***").replace(
        "%252A%252A%252A", "***"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.d-x_y=", "Authorization: Bearer ***"),
        ("authorization: Basic YWRhOnNlY3JldA==", "authorization: Basic ***"),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu/s3/aws4_request, SignedHeaders=host, "
            "Signature=abc",
            "Authorization: AWS4-HMAC-SHA256 ***",
        ),
        ("{'Authorization': 'AWS AKIA:abc='}", "{'Authorization': 'AWS ***'}"),
        ('{\\"Proxy-Authorization\\": \\"Basic abc\\"}', '{\\"Proxy-Authorization\\": \\"Basic ***\\"}'),
        ("[(b'authorization', b'Bearer abc')]", "[(b'authorization', b'Bearer ***')]"),
        ("Authorization: abc\nHost: x", "Authorization: ***\nHost: x"),
        ("X-Amz-Security-Token: abc=\nHost: x", "X-Amz-Security-Token: ***\nHost: x"),
        ("BEARER abc", "BEARER ***"),
        ("at postgres://ada:secret@db:5432/x failed", "at postgres://***@db:5432/x failed"),
        ("?next=redis%3A%2F%2Fada:secret%40db%2F0", "?next=redis%3A%2F%2F***%40db%2F0"),
        (f"the token {TOKEN} is old", "the token *** is old"),
    ],
)
def test_headers_passwords_and_tokens_are_replaced(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "nothing of it: http://host/path?a=1&b=2",
        "The access token is invalid or has expired.",
        "The signature does not match; the token: none",
        "unexpected token ')' at line 3",
        "assign=1 design=2 tokens=3",
        "S3 does not accept the credentials, or their permissions: SignatureDoesNotMatch",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_credentials(text) == text


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    """It ends: no pattern tries the same characters again and again."""
    for part in ("authorization: ", "signature=", "token='", "%3a%2f%2f", "x-amz-token: ", "eyJ", '\\"', "://a"):
        without_credentials(part * 20_000)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"Cookie: a=1; __Host-ck={SECRET}", "Cookie: ***"),
        (f"Set-Cookie: ck={SECRET}; Path=/\r\nDate: x", "Set-Cookie: ***\r\nDate: x"),
        (f"[(b'cookie', b'__Host-ck={SECRET}'), (b'a', b'b')]", "[(b'cookie', b'***'), (b'a', b'b')]"),
        (f'{{"set-cookie": "__Host-ck={SECRET}"}}', '{"set-cookie": "***"}'),
        (f"sent __Host-ck={SECRET}; b=1", "sent __Host-ck=***; b=1"),
        (f"sent ck-device={SECRET}, ck={SECRET}", "sent ck-device=***, ck=***"),
    ],
)
def test_a_cookie_is_replaced(text: str, masked: str) -> None:
    assert without_credentials(text) == masked


@pytest.mark.parametrize("text", ["stack=1", "lock=2", "the cookie is not valid", "ck-100"])
def test_what_is_no_cookie_stays(text: str) -> None:
    assert without_credentials(text) == text


def test_an_api_token_is_replaced_wherever_it_is() -> None:
    token = checked_tokens.new(PREFIX)
    assert without_credentials(f"cannot parse {token!r} at 5") == "cannot parse 'ckp_***' at 5"
    assert without_credentials("a token begins with ckp_, as in ckp_xyz") == "a token begins with ckp_, as in ckp_xyz"
