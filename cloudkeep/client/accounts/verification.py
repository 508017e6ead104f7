"""Asks for the code of a registration until the account exists."""

from dataclasses import dataclass

from cloudkeep.client.accounts.connection import Connection
from cloudkeep.client.accounts.documents import RESEND_OTP, VERIFY_OTP
from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.sign_in import SignIn
from cloudkeep.client.display.display import print_error
from cloudkeep.client.errors import Refused, RequestRefused, printable
from cloudkeep.client.prompts import ask

#: The server accepts no more guesses of one registration.
MAX_GUESSES = 5
WRONG_CODE = "INVALID_OTP"
RESEND = "resend"


@dataclass
class Verification:
    """A registration that waits for its code. ``may_ask_again``: whether someone can correct an answer."""

    connection: Connection
    registration: Json
    may_ask_again: bool

    def run(self) -> SignIn:
        """The first session of the account. Raises :class:`Refused`, :class:`RequestRefused` and KeyboardInterrupt."""
        print_error(f"A code was mailed to {printable(self.registration['email'])}. To get another one, type {RESEND}.")
        guesses = 0
        while guesses < MAX_GUESSES:
            code = ask("Code")
            if code.lower() == RESEND:
                self._resend()
                continue
            try:
                return self._verify(code)
            except RequestRefused as error:
                if error.field != "otp" or not self.may_ask_again:
                    raise
                # A text that is no code, such as one with a digit too few, is no guess.
                guesses += error.code == WRONG_CODE
                wrong = "The code is wrong or has expired" if error.code == WRONG_CODE else str(error)
                print_error(f"{wrong}. Please try again.")
        raise Refused("the code was wrong too often; run the same command again for a new code")

    def _verify(self, code: str) -> SignIn:
        """Create the account. If its user ID was taken meanwhile, the same code is sent with another one."""
        given = {"registrationId": self.registration["id"], "otp": code}
        while True:
            try:
                return SignIn.of(self.connection.execute(VERIFY_OTP, input=given)["session"])
            except RequestRefused as error:
                if error.field != "userId" or not self.may_ask_again:
                    raise
                print_error(f"{error}.")
                given["userId"] = ask("User ID")

    def _resend(self) -> None:
        try:
            self.connection.execute(RESEND_OTP, input={"registrationId": self.registration["id"]})
        except RequestRefused as error:
            print_error(f"{error}.")
        else:
            print_error("A new code was mailed.")
