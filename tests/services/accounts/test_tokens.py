"""Access tokens: valid ones, and every kind of invalid one."""

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from services.accounts.errors import Unauthenticated
from services.accounts.tokens import AUDIENCE, ISSUER, PURPOSE, REQUIRED, AccessTokens
from services.core.keys import SecretKey, derive

OLD = SecretKey("old", b"the secret that signed last year's tokens")
NEW = SecretKey("new", b"the secret that signs the tokens of today")
LIFETIME = timedelta(minutes=15)
ACCOUNT, SESSION = uuid4(), uuid4()

Claims = dict[str, Any]


def tokens(*keys: SecretKey) -> AccessTokens:
    return AccessTokens(keys or (NEW,), LIFETIME)


def claims(**changes: object) -> Claims:
    """Valid claims with changes; None removes one."""
    moment = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(ACCOUNT),
        "sid": str(SESSION),
        "jti": str(uuid4()),
        "iat": moment,
        "exp": moment + 60,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(
    payload: Claims, key: bytes = derive(NEW, PURPOSE), algorithm: str = "HS256", headers: dict[str, Any] | None = None
) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": "new"} if headers is None else headers)


def test_a_token_stands_for_its_account_and_session_until_it_expires() -> None:
    token, expires_at = tokens().issue(ACCOUNT, SESSION)
    viewer = tokens().verify(token)
    assert (viewer.account_id, viewer.session_id, viewer.expires_at) == (ACCOUNT, SESSION, expires_at)


def test_the_helper_makes_good_tokens() -> None:
    assert tokens().verify(signed(claims())).account_id == ACCOUNT


def test_no_two_tokens_are_the_same() -> None:
    assert tokens().issue(ACCOUNT, SESSION)[0] != tokens().issue(ACCOUNT, SESSION)[0]


def test_a_token_of_an_old_key_holds_while_the_key_is_known() -> None:
    token, _ = tokens(OLD).issue(ACCOUNT, SESSION)
    assert tokens(NEW, OLD).verify(token).account_id == ACCOUNT
    with pytest.raises(Unauthenticated):
        tokens(NEW).verify(token)


def test_the_first_key_signs() -> None:
    token, _ = tokens(NEW, OLD).issue(ACCOUNT, SESSION)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "kid": "new", "typ": "JWT"}


def unsigned(payload: Claims) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'kid': 'new'})}.{part(payload)}."


FLAWS: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: unsigned(claims()),
    "another algorithm": lambda: signed(claims(), algorithm="HS512"),
    "another key under our name": lambda: signed(claims(), key=derive(OLD, PURPOSE)),
    "our secret, not derived": lambda: signed(claims(), key=NEW.secret),
    "our key for another purpose": lambda: signed(claims(), key=derive(NEW, "url")),
    "an unknown key": lambda: signed(claims(), headers={"kid": "other"}),
    "no key named": lambda: signed(claims(), headers={}),
    "expired": lambda: signed(claims(exp=int(time.time()) - 60)),
    "issued in the future": lambda: signed(claims(iat=int(time.time()) + 3_600)),
    "not yet valid": lambda: signed(claims(nbf=int(time.time()) + 3_600)),
    "another audience": lambda: signed(claims(aud="another")),
    "another issuer": lambda: signed(claims(iss="another")),
    "an account that is no UUID": lambda: signed(claims(sub="ada")),
    "a session that is no UUID": lambda: signed(claims(sid="session")),
    "an expiry that is no number": lambda: signed(claims(exp="soon")),
    "altered": lambda: signed(claims())[:-2] + "AA",
    "cut": lambda: signed(claims()).rpartition(".")[0],
}


@pytest.mark.filterwarnings("ignore:The HMAC key is 32 bytes long")
@pytest.mark.parametrize("flawed", FLAWS.values(), ids=FLAWS.keys())
def test_a_flawed_token_is_refused(flawed: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated, match="invalid or has expired"):
        tokens().verify(flawed())


@pytest.mark.parametrize("name", REQUIRED)
def test_a_token_without_one_of_its_claims_is_refused(name: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens().verify(signed(claims(**{name: None})))


@pytest.mark.parametrize("garbage", ["", ".", "..", "a.b.c", "null", "e30.e30.", "ä" * 10, "\0", "a" * 100_000, "{}"])
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens().verify(garbage)


@pytest.mark.parametrize("kid", [5, None, [], {}, True])
def test_a_key_that_is_not_named_by_text_is_refused(kid: object) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": kid}).encode()).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        tokens().verify(f"{header}.{signed(claims()).partition('.')[2]}")


def test_a_token_names_no_more_than_it_must() -> None:
    token, _ = tokens().issue(ACCOUNT, SESSION)
    assert set(jwt.decode(token, options={"verify_signature": False})) == set(REQUIRED)
    assert UUID(jwt.decode(token, options={"verify_signature": False})["jti"]).version == 7
