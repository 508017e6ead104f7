"""Documents and mails for tests of passwords and addresses."""

import re

from tests.schema.accounts.test_accounts import ERRORS, new_user, start, verify
from tests.support.backends.smtp_sink import Received
from tests.support.server import Json
from tests.support.shared_server import SharedServer
from tests.support.waiting import eventually

REQUEST_RESET = f"""mutation ($input: RequestPasswordResetInput!) {{
  requestPasswordReset(input: $input) {{ reset {{ id expiresAt }} {ERRORS} }} }}"""
RESET = f"mutation ($input: ResetPasswordInput!) {{ resetPassword(input: $input) {{ {ERRORS} }} }}"
CHANGE_PASSWORD = f"""mutation ($input: ChangePasswordInput!) {{
  changePassword(input: $input) {{ account {{ userId }} {ERRORS} }} }}"""
REQUEST_CHANGE = f"""mutation ($input: RequestEmailChangeInput!) {{
  requestEmailChange(input: $input) {{ emailChange {{ id expiresAt }} {ERRORS} }} }}"""
CONFIRM_CHANGE = f"""mutation ($input: ConfirmEmailChangeInput!) {{
  confirmEmailChange(input: $input) {{ account {{ email }} {ERRORS} }} }}"""
UNDO_CHANGE = f"mutation ($input: UndoEmailChangeInput!) {{ undoEmailChange(input: $input) {{ email {ERRORS} }} }}"
UPDATE_PROFILE = f"""mutation ($input: UpdateProfileInput!) {{
  updateProfile(input: $input) {{ account {{ userName locale }} {ERRORS} }} }}"""


async def join(shared: SharedServer, **changes: str) -> tuple[Json, Json]:
    """Register a new user. Returns the input of ``register`` and the session.

    Other mails may arrive at the same time.
    """
    user = new_user(**changes)
    registration_id = await start(shared, user)
    payload = await verify(shared, registration_id, code_in(await mail_to(shared, user["email"], "")))
    return user, payload["session"]


async def mail_to(shared: SharedServer, address: str, subject: str) -> Received:
    """The newest mail to this address with these words in its subject, as soon as it has arrived."""

    async def look() -> Received | None:
        mails = [mail for mail in shared.sink.mails if address in mail.recipients]
        return next((mail for mail in reversed(mails) if subject in str(mail.message["Subject"])), None)

    return await eventually(look)


def mails_to(shared: SharedServer, address: str) -> list[Received]:
    """The mails that this address has got by now."""
    return [mail for mail in shared.sink.mails if address in mail.recipients]


def code_in(mail: Received) -> str:
    """The code of a mail."""
    return str(re.findall(r"\b\d{6}\b", mail.text)[0])


def token_in(mail: Received) -> str:
    """The token of a mail, on a line of its own."""
    return str(re.findall(r"^ +(\S{40,})$", mail.text, re.MULTILINE)[0])


async def as_session(shared: SharedServer, session: Json, document: str, **given: object) -> Json:
    """The payload of a mutation in a session. An error of the request counts as one of the mutation."""
    return await _payload(shared, {"Authorization": f"Bearer {session['accessToken']}"}, document, given)


async def as_anyone(shared: SharedServer, document: str, **given: object) -> Json:
    """The payload of a mutation without an access token. An error of the request counts as one of the mutation."""
    return await _payload(shared, {}, document, given)


async def _payload(shared: SharedServer, headers: dict[str, str], document: str, given: Json) -> Json:
    body = {"query": document, "variables": {"input": given}}
    answer = (await shared.http.post("/graphql", json=body, headers=headers)).json()
    if "errors" in answer:
        return {"userErrors": [error["extensions"] for error in answer["errors"]]}
    (payload,) = answer["data"].values()
    return dict(payload)


def codes(payload: Json) -> list[str]:
    """The codes of the errors."""
    return [error["code"] for error in payload["userErrors"]]
