"""Accounts and sessions as a client meets them."""

import asyncio
import secrets

import httpx
import pytest
import pytest_asyncio

from tests.support.server import PASSWORD, REGISTER, VERIFY, Api, Json, otp_of
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SESSION = "session { accessToken refreshToken expiresAt account { id userId userName email } }"
ERRORS = "userErrors { field code message }"
LOGIN = f"mutation ($input: LoginInput!) {{ login(input: $input) {{ {SESSION} {ERRORS} }} }}"
REFRESH = f"mutation ($token: String!) {{ refreshSession(input: {{refreshToken: $token}}) {{ {SESSION} {ERRORS} }} }}"
ME = "{ me { id userId userName email createdAt } }"


def new_user(**changes: str) -> Json:
    """The input of ``register`` for a new user."""
    name = f"user-{secrets.token_hex(6)}"
    return {"userId": name, "userName": "Ada", "email": f"{name}@example.org", "password": PASSWORD, **changes}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(shared: SharedServer) -> Json:
    """The input with which a user has registered."""
    user, _ = await join(shared)
    return user


def anonymous(shared: SharedServer) -> Api:
    return Api(shared.http)


async def register(shared: SharedServer, user: Json) -> Json:
    payload: Json = await anonymous(shared).data(REGISTER, input=user)
    return payload


async def start(shared: SharedServer, user: Json) -> str:
    """Register, and return the ID of the registration."""
    registration_id: str = (await register(shared, user))["registration"]["id"]
    return registration_id


async def verify(shared: SharedServer, registration_id: str, otp: str) -> Json:
    payload: Json = await anonymous(shared).data(VERIFY, input={"registrationId": registration_id, "otp": otp})
    return payload


async def join(shared: SharedServer, **changes: str) -> tuple[Json, Json]:
    """Register a new user. Returns the input of ``register`` and the session."""
    user = new_user(**changes)
    payload = await verify(shared, await start(shared, user), otp_of(shared.sink))
    return user, payload["session"]


async def login(shared: SharedServer, user_id: str, password: str) -> Json:
    payload: Json = await anonymous(shared).data(LOGIN, input={"userId": user_id, "password": password})
    return payload


async def refresh(shared: SharedServer, token: str) -> Json:
    payload: Json = await anonymous(shared).data(REFRESH, token=token)
    return payload


def code_of(payload: Json) -> str:
    """The code of the payload's only error. All its other fields are null."""
    (error,) = payload.pop("userErrors")
    assert list(payload.values()) == [None]
    assert error["message"]
    code: str = error["code"]
    return code


def other_otp(otp: str) -> str:
    return f"{(int(otp) + 1) % 10**6:06}"


async def test_the_mailed_code_creates_the_account_and_opens_a_session(shared: SharedServer) -> None:
    user, session = await join(shared)
    assert session["account"] == {
        "id": session["account"]["id"],
        **{k: user[k] for k in ("userId", "userName", "email")},
    }
    headers = {"Authorization": f"Bearer {session['accessToken']}"}
    answer = await shared.http.post("/graphql", json={"query": ME}, headers=headers)
    assert answer.json()["data"]["me"]["id"] == session["account"]["id"]


async def test_me_is_null_without_a_token(shared: SharedServer) -> None:
    assert await anonymous(shared).data(ME) is None


async def test_a_wrong_code_is_refused(shared: SharedServer) -> None:
    user = new_user()
    registration = await start(shared, user)
    assert code_of(await verify(shared, registration, other_otp(otp_of(shared.sink)))) == "INVALID_OTP"


async def test_a_malformed_code_is_refused(shared: SharedServer) -> None:
    user = new_user()
    registration = await start(shared, user)
    for otp in ("", "12345", "1234567", "abcdef", "-12345", "x" * 9_999):
        assert code_of(await verify(shared, registration, otp)) == "INVALID_INPUT"
    # None of them was compared with the code, so none was counted as an attempt.
    assert (await verify(shared, registration, otp_of(shared.sink)))["session"]


@pytest.mark.parametrize("form", ["{} {}", "{}-{}", "\u200b{}{}", "\ufeff{}\u2013{}"])
async def test_a_code_is_accepted_as_people_type_and_paste_it(shared: SharedServer, form: str) -> None:
    registration = await start(shared, new_user())
    code = otp_of(shared.sink)
    assert (await verify(shared, registration, form.format(code[:3], code[3:])))["session"]


async def test_a_code_is_accepted_in_the_digits_of_other_scripts(shared: SharedServer) -> None:
    registration = await start(shared, new_user())
    code = otp_of(shared.sink).translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
    assert (await verify(shared, registration, code))["session"]


async def test_spaces_around_a_code_and_capitals_in_an_address_are_accepted(shared: SharedServer) -> None:
    user = new_user()
    registration = await start(shared, {**user, "email": user["email"].upper()})
    payload = await verify(shared, registration, f" {otp_of(shared.sink)}\n")
    assert payload["session"]["account"]["email"] == user["email"]


async def test_a_code_can_be_used_once(shared: SharedServer) -> None:
    registration = await start(shared, new_user())
    otp = otp_of(shared.sink)
    assert (await verify(shared, registration, otp))["session"]
    assert code_of(await verify(shared, registration, otp)) == "INVALID_OTP"


async def test_the_sixth_guess_is_refused_even_if_it_is_right(shared: SharedServer) -> None:
    user = new_user()
    registration = await start(shared, user)
    otp = otp_of(shared.sink)
    for _ in range(5):
        await verify(shared, registration, other_otp(otp))
    assert code_of(await verify(shared, registration, otp)) == "INVALID_OTP"


async def test_the_fifth_guess_may_be_right(shared: SharedServer) -> None:
    user = new_user()
    registration = await start(shared, user)
    otp = otp_of(shared.sink)
    for _ in range(4):
        await verify(shared, registration, other_otp(otp))
    assert (await verify(shared, registration, otp))["session"]


async def test_a_code_is_only_valid_for_its_registration(shared: SharedServer) -> None:
    first, second = await start(shared, new_user()), ""
    otp = otp_of(shared.sink)
    second = await start(shared, new_user())
    if otp != otp_of(shared.sink):
        assert code_of(await verify(shared, second, otp)) == "INVALID_OTP"
    for unknown in ("registration_x", "", first.upper(), first.replace("registration_", "upload_")):
        assert code_of(await verify(shared, unknown, otp)) == "INVALID_OTP"
    assert (await verify(shared, first, otp))["session"]


async def test_the_owner_of_an_address_completes_only_the_registration_of_her_own(shared: SharedServer) -> None:
    """A stranger registers her address, before her and after her, with a password of the stranger's."""
    user = new_user()
    before = await start(shared, new_user(email=user["email"], password="the stranger's password"))
    own = await start(shared, user)
    code = otp_of(shared.sink)
    after = await start(shared, new_user(email=user["email"], password="the stranger's password"))
    for stranger in (before, after):
        assert code_of(await verify(shared, stranger, code)) == "INVALID_OTP"
    session = (await verify(shared, own, code))["session"]
    assert session["account"]["userId"] == user["userId"]
    assert (await login(shared, user["userId"], PASSWORD))["session"]


async def test_two_verifications_at_once_open_one_session(shared: SharedServer) -> None:
    user = new_user()
    registration = await start(shared, user)
    otp = otp_of(shared.sink)
    payloads = await asyncio.gather(*(verify(shared, registration, otp) for _ in range(2)))
    success, refusal = sorted(payloads, key=lambda payload: payload["session"] is None)
    assert success["session"]
    assert code_of(refusal) in {"INVALID_OTP", "ALREADY_EXISTS"}


async def test_a_user_id_can_be_registered_once(shared: SharedServer, ada: Json) -> None:
    payload = await register(shared, new_user(userId=ada["userId"].upper()))
    assert payload["userErrors"][0]["field"] == ["input", "userId"]
    assert code_of(payload) == "ALREADY_EXISTS"


async def test_an_address_with_an_account_gets_the_usual_response_and_another_mail(
    shared: SharedServer, ada: Json
) -> None:
    known = await register(shared, new_user(email=ada["email"]))
    known_mail = shared.sink.mails[-1]
    unknown = await register(shared, new_user())
    assert (known.keys(), known["userErrors"]) == (unknown.keys(), unknown["userErrors"])
    assert known["registration"]["email"] == ada["email"]
    assert known_mail.recipients == [ada["email"]]
    assert known_mail.message["Subject"] == "You already have a CloudKeep account"


async def test_registering_an_address_again_does_not_change_its_account(shared: SharedServer, ada: Json) -> None:
    registration = await start(shared, new_user(email=ada["email"], password="another password"))
    assert code_of(await verify(shared, registration, "123456")) == "INVALID_OTP"
    assert (await login(shared, ada["userId"], PASSWORD))["session"]


INVALID = {
    "userId": ["", "ab", "a" * 33, "no spaces", "-dash"],
    "userName": ["", "   ", "x" * 101, "a\nb"],
    "email": ["", "ada", "ada@", "a b@example.org", "=?utf-8?q?a?=@example.org"],
    "password": ["", "1234567", "x" * 1_025],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, many in INVALID.items() for value in many])
async def test_an_invalid_field_is_named_and_nothing_is_mailed(shared: SharedServer, field: str, value: str) -> None:
    mails = len(shared.sink.mails)
    payload = await register(shared, new_user(**{field: value}))
    assert payload["userErrors"][0]["field"] == ["input", field]
    assert code_of(payload) == "INVALID_INPUT"
    assert len(shared.sink.mails) == mails


@pytest.mark.parametrize("password", ["  my  pass  ", "my pass\0word", "\ufdfa" * 30, "📼📷📹🎥" * 64])
async def test_any_text_of_a_valid_length_can_be_a_password(shared: SharedServer, password: str) -> None:
    user, _ = await join(shared, password=password)
    assert (await login(shared, user["userId"], password))["session"]


async def test_unicode_forms_of_a_password_are_equal(shared: SharedServer) -> None:
    user, _ = await join(shared, password="caf\u00e9 \uff11\uff12\uff13 in tea")
    assert (await login(shared, user["userId"], "cafe\u0301 123 in tea"))["session"]


async def test_a_wrong_password_has_the_same_error_as_an_unknown_user(shared: SharedServer, ada: Json) -> None:
    unknown = await login(shared, "nobody", PASSWORD)
    for password in ("", "wrong", PASSWORD + "x", PASSWORD.upper(), "x" * 10_000):
        assert await login(shared, ada["userId"], password) == unknown
    assert code_of(unknown) == "INVALID_CREDENTIALS"


async def test_a_user_id_is_accepted_in_capitals(shared: SharedServer, ada: Json) -> None:
    assert (await login(shared, f" {ada['userId'].upper()}", PASSWORD))["session"]


async def test_a_refresh_returns_new_tokens_for_the_same_account(shared: SharedServer, ada: Json) -> None:
    session = (await login(shared, ada["userId"], PASSWORD))["session"]
    fresh = (await refresh(shared, session["refreshToken"]))["session"]
    assert fresh["account"] == session["account"]
    assert fresh["refreshToken"] != session["refreshToken"]
    assert fresh["accessToken"] != session["accessToken"]
    assert (await refresh(shared, fresh["refreshToken"]))["session"]


async def test_a_repeated_refresh_returns_the_same_refresh_token(shared: SharedServer, ada: Json) -> None:
    session = (await login(shared, ada["userId"], PASSWORD))["session"]
    fresh, again = [(await refresh(shared, session["refreshToken"]))["session"] for _ in range(2)]
    assert again["refreshToken"] == fresh["refreshToken"]
    headers = {"Authorization": f"Bearer {again['accessToken']}"}
    answer: httpx.Response = await shared.http.post("/graphql", json={"query": ME}, headers=headers)
    assert "errors" not in answer.json()


async def test_using_an_old_refresh_token_after_its_successor_closes_the_session(
    shared: SharedServer, ada: Json
) -> None:
    session = (await login(shared, ada["userId"], PASSWORD))["session"]
    fresh = (await refresh(shared, session["refreshToken"]))["session"]
    newest = (await refresh(shared, fresh["refreshToken"]))["session"]
    assert code_of(await refresh(shared, session["refreshToken"])) == "INVALID_CREDENTIALS"
    assert code_of(await refresh(shared, newest["refreshToken"])) == "INVALID_CREDENTIALS"


async def test_closing_a_session_leaves_the_others_open(shared: SharedServer, ada: Json) -> None:
    session, other = [(await login(shared, ada["userId"], PASSWORD))["session"] for _ in range(2)]
    fresh = (await refresh(shared, session["refreshToken"]))["session"]
    await refresh(shared, fresh["refreshToken"])
    assert code_of(await refresh(shared, session["refreshToken"])) == "INVALID_CREDENTIALS"
    assert (await refresh(shared, other["refreshToken"]))["session"]


async def test_access_and_refresh_tokens_cannot_be_interchanged(shared: SharedServer, ada: Json) -> None:
    session = (await login(shared, ada["userId"], PASSWORD))["session"]
    assert code_of(await refresh(shared, session["accessToken"])) == "INVALID_CREDENTIALS"
    headers = {"Authorization": f"Bearer {session['refreshToken']}"}
    answer: httpx.Response = await shared.http.post("/graphql", json={"query": ME}, headers=headers)
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_registration_names_all_its_invalid_fields(shared: SharedServer) -> None:
    wrong = {"userId": "", "userName": "", "email": "x", "password": "x"}
    payload = await register(shared, wrong)
    assert payload["registration"] is None
    assert [error["field"] for error in payload["userErrors"]] == [["input", name] for name in wrong]
    assert {error["code"] for error in payload["userErrors"]} == {"INVALID_INPUT"}


SIGN_IN = "session { accessToken refreshToken session { id createdAt expiresAt current } }"


async def test_a_sign_in_returns_its_session_which_node_can_load(shared: SharedServer, ada: Json) -> None:
    document = f"mutation ($input: LoginInput!) {{ login(input: $input) {{ {SIGN_IN} }} }}"
    opened = (await anonymous(shared).data(document, input={"userId": ada["userId"], "password": PASSWORD}))["session"]
    session = opened["session"]
    assert session["current"] is True
    assert session["createdAt"] < session["expiresAt"]
    headers = {"Authorization": f"Bearer {opened['accessToken']}"}
    body = {"query": "query ($id: ID!) { node(id: $id) { ... on Session { id createdAt expiresAt current } } }"}
    answer = await shared.http.post("/graphql", json={**body, "variables": {"id": session["id"]}}, headers=headers)
    assert answer.json()["data"]["node"] == session
    document = f"mutation ($token: String!) {{ refreshSession(input: {{refreshToken: $token}}) {{ {SIGN_IN} }} }}"
    refreshed = (await anonymous(shared).data(document, token=opened["refreshToken"]))["session"]["session"]
    assert refreshed["id"] == session["id"]
    assert refreshed["expiresAt"] >= session["expiresAt"]
