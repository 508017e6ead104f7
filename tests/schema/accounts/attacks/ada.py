"""The owner of the account that is attacked: what she does, and what has to work for her at any time."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from storage.accounts.models import Account, ApiToken, Session
from tests.schema.accounts.attacks.limits import CODE_LIFE, AddressLimits, Waiting
from tests.schema.accounts.attacks.world import Answer, World
from tests.support.server import Json, key_of

HOME = "198.51.100.7"
#: A change of address cannot be undone later.
UNDO_LIFE = timedelta(days=7)
RECORDED = ("user_id", "email", "password_hash", "password_changed_at", "disabled_at", "name", "locale", "is_admin")
MOST_SESSIONS = 5


class Ada:
    """She has one device at home, which keeps its device token, and a mailbox for each of her addresses."""

    def __init__(self, world: World, limits: AddressLimits, name: str) -> None:
        self._world = world
        self._limits = limits
        self.wanted = f"ada-{name}"
        self.addresses = [f"ada{number}-{name}@example.org" for number in range(3)]
        self.passwords = [f"my {word} is on the {name} shelf" for word in ("Teapot", "candle", "Piano")]
        self.user_id = self.account_id = ""
        self.email = self.addresses[0]
        self.password: str | None = None
        self.device_token: str | None = None
        self.registration: Waiting | None = None
        self.reset: Waiting | None = None
        self.change: Waiting | None = None
        self.undoable: list[tuple[str, datetime]] = []
        self.sessions: list[Json] = []
        self.api_tokens: list[str] = []
        self._requested_changes = 0
        self._recorded: dict[str, Any] = {}

    @property
    def exists(self) -> bool:
        """Whether she has completed her registration."""
        return bool(self.account_id)

    def register(self) -> None:
        """Begin a registration. Only a full mailbox can prevent that."""
        given = {"userId": self.wanted, "userName": "Ada", "email": self.email, "password": self.passwords[0]}
        answer = self._mail("register", given, self.email)
        if (answer.code, answer.error_field) == ("ALREADY_EXISTS", "userId"):
            self.wanted += "-the-first"
            answer = self._mail("register", {**given, "userId": self.wanted}, self.email)
        if answer.code is None:
            self.registration = self._waiting(answer.payload["registration"]["id"], self.email)
            self.registration.user_id = self.wanted

    def resend(self) -> None:
        """Let a new code be mailed for her registration."""
        assert self.registration
        waits = self.registration
        answer = self._mail("resendOtp", {"registrationId": waits.id}, waits.address)
        if waits.guesses >= 5 or self._is_late(waits):
            assert answer.code == "NOT_FOUND", answer
        elif answer.code is None:
            guesses = waits.guesses
            self.registration = self._waiting(waits.id, waits.address)
            self.registration.guesses = guesses
            self.registration.user_id = waits.user_id

    def verify(self) -> None:
        """Complete her registration. The first guess at a code is always compared, so the right one has to work."""
        assert self.registration
        waits, given = self.registration, {"registrationId": self.registration.id, "otp": self.registration.code}
        answer = self._guess("verifyOtp", given, waits)
        if (answer.code, answer.error_field) == ("ALREADY_EXISTS", "userId"):
            waits.user_id += "-again"
            waits.guesses -= 1
            answer = self._guess("verifyOtp", {**given, "userId": waits.user_id}, waits)
        if not self._require_success(answer, waits):
            return
        assert answer.session
        self.user_id, self.account_id = waits.user_id, answer.session["account"]["id"]
        assert (answer.session["account"]["userId"], answer.session["account"]["email"]) == (self.user_id, self.email)
        self.password, self.registration = self.passwords[0], None
        self._keep(answer.session)
        self.record()

    def enter_newest_code(self) -> None:
        """Enter the newest code of her mailbox, whatever it is for. It completes no registration but hers."""
        assert self.registration
        code = self._world.codes_to(self.email)[-1]
        if code == self.registration.code:
            return
        given = {"registrationId": self.registration.id, "otp": code}
        assert self._guess("verifyOtp", given, self.registration).code in ("INVALID_OTP", "TOO_MANY_ATTEMPTS")

    def sign_in(self, name: str) -> None:
        """Sign in on her device, which may not be refused for any reason."""
        given = {"userId": name, "password": self.password, "deviceToken": self.device_token}
        answer = self._call("login", given)
        assert answer.code is None, f"a known device of the owner is kept out: {answer}"
        assert answer.session
        assert answer.session["account"]["id"] == self.account_id
        self._keep(answer.session)

    def log_out(self) -> None:
        """Close her oldest session."""
        session = self.sessions.pop(0)
        assert self._call("logout", {"refreshToken": session["refreshToken"]}).code is None

    def change_password(self, number: int) -> None:
        """Replace her password, which closes her other sessions."""
        new = self.passwords[number]
        given = {"currentPassword": self.password, "newPassword": new}
        answer = self._call("changePassword", given, self.sessions[-1])
        assert answer.code is None, answer
        self.password, self.sessions = new, self.sessions[-1:]
        self.reset = self.change = None
        self.record()

    def create_api_token(self) -> None:
        """Create an API token."""
        self._reauthenticate()
        given = {"name": "backup", "scopes": ["READ", "ACCOUNT"]}
        answer = self._call("createApiToken", given, self.sessions[-1])
        assert answer.code is None, answer
        self.api_tokens.append(answer.payload["secret"])

    def request_change(self, number: int) -> None:
        """Let a code be mailed to another address of hers."""
        self._reauthenticate()
        new = self.addresses[number]
        self._requested_changes += 1
        answer = self._mail("requestEmailChange", {"newEmail": new}, new, self.sessions[-1], self._requested_changes)
        if answer.code is None:
            self.change = self._waiting(answer.payload["emailChange"]["id"], new)

    def confirm_change(self) -> None:
        """Change her address."""
        assert self.change
        waits, self.change = self.change, None
        given = {"emailChangeId": waits.id, "otp": waits.code}
        already = len(self._world.tokens_to(self.email))
        if not self._require_success(self._guess("confirmEmailChange", given, waits, self.sessions[-1]), waits):
            return
        self._world.await_more(lambda: self._world.tokens_to(self.email), already)
        self.undoable.append((self.email, self._world.now() + UNDO_LIFE))
        self.email, self.reset = waits.address, None
        self.record()

    def undo_change(self) -> None:
        """Take the newest change of address back, by the token in her mail."""
        old, until = self.undoable.pop()
        answer = self._call("undoEmailChange", {"token": self._world.tokens_to(old)[-1]})
        if self._world.now() >= until:
            assert answer.code == "INVALID_CREDENTIALS", answer
            return
        assert answer.code is None, answer
        self.email, self.password = old, None
        self._lose_everything()

    def forget_password(self) -> None:
        """Request a code for a new password."""
        already = len(self._world.codes_to(self.email))
        answer = self._mail("requestPasswordReset", {"email": self.email}, self.email)
        if answer.code is None:
            self._world.await_more(lambda: self._world.codes_to(self.email), already)
            self.reset = self._waiting(answer.payload["reset"]["id"], self.email)

    def reset_password(self, number: int) -> None:
        """Set a new password with the code."""
        assert self.reset
        waits, self.reset, new = self.reset, None, self.passwords[number]
        given = {"resetId": waits.id, "otp": waits.code, "newPassword": new}
        if not self._require_success(self._guess("resetPassword", given, waits), waits):
            return
        self.password = new
        self._lose_everything()

    def record(self) -> None:
        """Remember her account as it is after a change of her own."""
        self._recorded = self._world.run(_stored(self.account_id))

    def require_untouched(self, *, by_attacker: bool) -> None:
        """Require that her account is as she left it, and that she can sign in now, if the attacker did something."""
        assert self._world.run(_stored(self.account_id)) == self._recorded
        keys = {key_of(session["session"]["id"]) for session in self.sessions}
        assert self._world.run(_open_sessions(self.account_id)) == keys, "a session of the owner was closed, or opened"
        assert self._world.run(_api_tokens(self.account_id)) == len(self.api_tokens)
        if self.password is not None and by_attacker:
            # The failures of each name are counted by themselves.
            for name in (self.user_id, self.email.upper()):
                self.sign_in(name)
        while len(self.sessions) > MOST_SESSIONS:
            self.log_out()

    def require_all_credentials(self) -> None:
        """Require that her sessions can be refreshed, and that they and her API tokens open her account."""
        for session in self.sessions:
            self._refresh(session)
        for token in [*(session["accessToken"] for session in self.sessions), *self.api_tokens]:
            assert self._world.me(token) == self.account_id

    def _refresh(self, session: Json) -> None:
        answer = self._call("refreshSession", {"refreshToken": session["refreshToken"]})
        assert answer.session, f"a session of the owner was closed: {answer}"
        session.update({name: answer.session[name] for name in ("accessToken", "refreshToken", "expiresAt")})

    def _reauthenticate(self) -> None:
        assert self._call("reauthenticate", {"password": self.password}, self.sessions[-1]).code is None

    def _lose_everything(self) -> None:
        """After a reset or an undo: no session, no API token, and nothing that waits for a code."""
        self.sessions, self.api_tokens = [], []
        self.reset = self.change = None
        self.record()

    def _keep(self, session: Json) -> None:
        self.sessions.append(session)
        self.device_token = session["deviceToken"]

    def _call(self, mutation: str, given: Json, session: Json | None = None) -> Answer:
        if session and datetime.fromisoformat(session["expiresAt"]) < self._world.now() + timedelta(minutes=1):
            self._refresh(session)
        token = session["accessToken"] if session else None
        return self._world.call(mutation, given, client=HOME, token=token)

    def _mail(
        self, mutation: str, given: Json, address: str, session: Json | None = None, requested: int = 0
    ) -> Answer:
        """Call a mutation that mails to an address, which must be refused only when the address has got enough."""
        may_fail = not self._limits.allow_mail(address, HOME) or requested > 5
        answer = self._call(mutation, given, session)
        if answer.code is None:
            self._limits.count_mail(address, HOME)
        elif answer.code == "TOO_MANY_MAILS":
            assert may_fail, f"{mutation} sends no mail to its owner: {answer}"
        else:
            assert answer.code in ("ALREADY_EXISTS", "NOT_FOUND"), answer
        return answer

    def _waiting(self, row_id: str, address: str) -> Waiting:
        return Waiting(row_id, address, self._world.now() + CODE_LIFE, self._world.codes_to(address)[-1])

    def _guess(self, mutation: str, given: Json, waits: Waiting, session: Json | None = None) -> Answer:
        if mutation == "resetPassword":
            # Its guesses are counted apart, because there are none for an address without an account.
            waits.guesses += 1
        else:
            self._limits.guess(waits, compares_late=mutation == "confirmEmailChange")
        return self._call(mutation, given, session)

    def _require_success(self, answer: Answer, waits: Waiting) -> bool:
        """Whether the right code was accepted. It must be, if it is in time and nobody has guessed at it before."""
        if waits.guesses == 1 and not self._is_late(waits):
            assert answer.code is None, f"the owner's code is refused: {answer}"
        return answer.code is None

    def _is_late(self, waits: Waiting) -> bool:
        return waits.expires_at < self._world.now()


async def _stored(account_id: str) -> dict[str, Any]:
    row = await Account.get(id=key_of(account_id))
    return {name: getattr(row, name) for name in RECORDED}


async def _open_sessions(account_id: str) -> set[UUID]:
    return {UUID(str(key)) for key in await Session.filter(account_id=key_of(account_id)).values_list("id", flat=True)}


async def _api_tokens(account_id: str) -> int:
    return await ApiToken.filter(account_id=key_of(account_id)).count()
