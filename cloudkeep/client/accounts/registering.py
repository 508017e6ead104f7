"""The work of ``cloudkeep register``."""

from dataclasses import dataclass, field

from cloudkeep.client.accounts.connection import Connection, connected
from cloudkeep.client.accounts.documents import REGISTER, SERVER
from cloudkeep.client.accounts.signing_in import keep
from cloudkeep.client.accounts.verification import Verification
from cloudkeep.client.api.graphql import Json
from cloudkeep.client.credentials.choice import choose_stored
from cloudkeep.client.display.display import print_error
from cloudkeep.client.errors import CredentialsError, Refused, RequestRefused, UsageError
from cloudkeep.client.prompts import ask, ask_new_password, password_of_stdin, require_terminal

CLOSED, INVITE = "CLOSED", "INVITE"


@dataclass
class Answers:
    """What a registration needs; None is asked for. ``invitation`` is a token."""

    user_id: str | None
    user_name: str | None
    email: str | None
    invitation: str | None
    password: str | None = field(default=None, repr=False)

    def complete(self, *, needs_invitation: bool) -> None:
        """Ask for what is missing."""
        self.user_id = self.user_id or ask("User ID")
        self.user_name = self.user_name or ask("Your name, as others see it")
        self.email = self.email or ask("E-mail address")
        if needs_invitation:
            self.invitation = self.invitation or ask("Invitation (cki_...)")
        self.password = self.password or ask_new_password()

    def forget(self, name: str | None) -> bool:
        """Remove the answer to an input's field, so that it is asked for again. False if there is no such answer."""
        attribute = _ATTRIBUTES.get(name or "")
        if attribute:
            setattr(self, attribute, None)
        return attribute is not None

    def to_input(self) -> Json:
        """The input of ``register``."""
        values = {name: getattr(self, attribute) for name, attribute in _ATTRIBUTES.items()}
        return {name: value for name, value in values.items() if value is not None}


_ATTRIBUTES = {
    "userId": "user_id",
    "userName": "user_name",
    "email": "email",
    "password": "password",
    "invitation": "invitation",
}


def register(url: str | None, answers: Answers, *, password_stdin: bool) -> int:
    """Register an account, and store its first session."""
    if not password_stdin:
        require_terminal("give all options, and the password with --password-stdin")
    elif not (answers.user_id and answers.user_name and answers.email):
        raise UsageError("--password-stdin needs the user ID, --name and --email as well")
    chosen = choose_stored(url, without_keyring=True)
    with connected(chosen.url) as connection:
        mode = connection.execute(SERVER)["registration"]
        # A closed server without any account accepts an invitation.
        if mode == CLOSED and not answers.invitation:
            raise Refused(f"{chosen.url} accepts no registrations; ask its administrator for an account")
        print_error(f"Registering at {chosen.url}")
        answers.password = password_of_stdin() if password_stdin else None
        may_ask_again = not password_stdin
        registration = _register(connection, answers, mode == INVITE, may_ask_again=may_ask_again)
        signed_in = Verification(connection, registration, may_ask_again).run()
        try:
            keep(connection, chosen, signed_in)
        except CredentialsError as error:
            raise CredentialsError(f"the account was created, but the session cannot be kept: {error}") from error
    return 0


def _register(connection: Connection, answers: Answers, needs_invitation: bool, *, may_ask_again: bool) -> Json:
    """Register. In a terminal, an answer that the server refuses is asked for again."""
    while True:
        if needs_invitation and not answers.invitation and not may_ask_again:
            raise UsageError("this server needs an invitation: --invitation TOKEN")
        answers.complete(needs_invitation=needs_invitation)
        try:
            registration: Json = connection.execute(REGISTER, input=answers.to_input())["registration"]
            return registration
        except RequestRefused as error:
            if not may_ask_again or not answers.forget(error.field):
                raise
            print_error(f"{error}. Please try again.")
            needs_invitation = needs_invitation or error.field == "invitation"
