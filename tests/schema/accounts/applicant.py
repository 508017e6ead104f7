"""Somebody who registers through the API, without a sign-in."""

import httpx

from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import PASSWORD, Api, Json, otp_of

ERRORS = "userErrors { field code message }"
REGISTRATION = f"registration {{ id email expiresAt }} {ERRORS}"
REGISTER = f"mutation ($input: RegisterInput!) {{ register(input: $input) {{ {REGISTRATION} }} }}"
RESEND = f"mutation ($input: ResendOtpInput!) {{ resendOtp(input: $input) {{ {REGISTRATION} }} }}"
VERIFY = f"""mutation ($input: VerifyOtpInput!) {{
  verifyOtp(input: $input) {{ session {{ account {{ userId email isAdmin storage {{ quota }} }} }} {ERRORS} }} }}"""
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { session { account { userId } } userErrors { code } } }"
EMAIL = "ada@example.org"


class Applicant:
    """Calls the mutations of a registration, and reads the mails of everybody."""

    def __init__(self, http: httpx.AsyncClient, sink: SmtpSink) -> None:
        self._api = Api(http)
        self._sink = sink

    async def register(self, user_id: str, email: str = EMAIL, password: str = PASSWORD, **more: object) -> Json:
        """The payload of ``register``."""
        given = {"userId": user_id, "userName": "A Person", "email": email, "password": password, **more}
        return await self._call(REGISTER, given)

    async def begin(
        self, user_id: str, email: str = EMAIL, password: str = PASSWORD, invitation: str | None = None
    ) -> tuple[str, str]:
        """The ID of a new registration, and the code that was mailed for it."""
        answer = await self.register(user_id, email, password, invitation=invitation)
        assert answer["userErrors"] == []
        return answer["registration"]["id"], otp_of(self._sink)

    async def resend(self, registration_id: str) -> Json:
        """The payload of ``resendOtp``."""
        return await self._call(RESEND, {"registrationId": registration_id})

    async def verify(self, registration_id: str, otp: str, **more: object) -> Json:
        """The payload of ``verifyOtp``."""
        return await self._call(VERIFY, {"registrationId": registration_id, "otp": otp, **more})

    async def join(self, user_id: str, email: str = EMAIL, invitation: str | None = None) -> Json:
        """The account of a new person."""
        payload = await self.verify(*await self.begin(user_id, email, invitation=invitation))
        assert payload["userErrors"] == []
        account: Json = payload["session"]["account"]
        return account

    async def guess_wrongly(self, registration_id: str, right: str, times: int) -> list[str]:
        """The error codes of wrong guesses."""
        return [error_of(await self.verify(registration_id, wrong_code(right))) for _ in range(times)]

    async def signs_in(self, user_id: str, password: str) -> bool:
        """Whether the password opens the account."""
        payload = await self._call(LOGIN, {"userId": user_id, "password": password})
        return payload["session"] is not None

    async def _call(self, document: str, given: Json) -> Json:
        """The payload, or the response if it has an error and no payload."""
        response = await self._api.call(document, input=given)
        if "errors" in response:
            return response
        (payload,) = response["data"].values()
        return dict(payload)


def error_of(payload: Json) -> str:
    """The code of the only error."""
    if "errors" in payload:
        return str(payload["errors"][0]["extensions"]["code"])
    (error,) = payload["userErrors"]
    return str(error["code"])


def wait_of(response: Json) -> float:
    """The seconds after which a refused call may succeed."""
    seconds: float = response["errors"][0]["extensions"]["retryAfter"]
    return seconds


def field_of(payload: Json) -> str:
    """The input field of the only error."""
    (error,) = payload["userErrors"]
    name: str = error["field"][-1]
    return name


def wrong_code(right: str) -> str:
    """A code that is not this one."""
    return "000000" if right != "000000" else "111111"
