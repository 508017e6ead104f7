"""The attacker: he knows the owner's names and all IDs of hers, has accounts and mailboxes, and no mail of hers."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.accounts.registration import invitations
from services.accounts.registration.invitations import InvitationTerms
from services.core.ids import prefix_of
from storage.accounts.models import Account
from tests.schema.accounts.attacks.ada import HOME, Ada
from tests.schema.accounts.attacks.limits import CODE_LIFE, AddressLimits, Waiting
from tests.schema.accounts.attacks.world import Answer, World, codes_in
from tests.support.server import Json

#: One of them is behind the same address as the owner.
CLIENTS = ("203.0.113.1", "203.0.113.2", "2001:db8:1::1", HOME)
PASSWORD = "all your base are belong"
#: Mutations without a sign-in whose answers could tell whether there is an account.
TELLING = frozenset({"register", "resendOtp", "verifyOtp", "login", "requestPasswordReset", "resetPassword"})
ID_OR_TIME = re.compile(r"\w+_[0-9a-z]{26}|\d{4}-\d\d-\d\dT[^\"]*|\S+@\S+|\d+")
#: How many of the refused guesses at a password cannot be told apart.
REFUSED_SIGN_INS = ("INVALID_CREDENTIALS", "TOO_MANY_ATTEMPTS")


@dataclass
class Holding:
    """An account of his: how he signs in, and all that the server has given him."""

    user_id: str
    email: str
    account_id: str
    password: str = PASSWORD
    device_token: str | None = None
    sessions: list[Json] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    requested_changes: int = 0

    @property
    def token(self) -> str | None:
        """His newest access token."""
        return self.sessions[-1]["accessToken"] if self.sessions else None


class Mallory:
    """Calls mutations, and judges every answer: whether it gives him anything of the owner's, or tells too much."""

    def __init__(self, world: World, limits: AddressLimits, ada: Ada, name: str) -> None:
        self.world = world
        self.limits = limits
        self.ada = ada
        self.mailboxes = [f"mallory{number}-{name}@example.net" for number in range(3)]
        self.strangers = [f"nobody{number}-{name}@example.com" for number in range(2)]
        self.user_ids = [f"mallory-{name}", f"mallet-{name}", ada.wanted]
        self.holdings: list[Holding] = []
        self.begun: list[Waiting] = []
        self.resets: list[str] = []
        self.changes: list[Waiting] = []
        self.api_tokens: list[str] = []
        self.invitations: list[str] = []
        self.calls = 0
        self._refusals: dict[tuple[str, str], str] = {}

    @property
    def targets(self) -> list[str]:
        """Addresses: those of the owner, those that nobody has registered, and his own."""
        return [*self.ada.addresses, *self.strangers, *self.mailboxes]

    @property
    def codes(self) -> list[str]:
        """The codes in his mailboxes, the newest first, and some that he has thought of."""
        newest_first = reversed(self.world.server.sink.mails)
        mailed = [code for mail in newest_first if mail.recipients[0] in self.mailboxes for code in codes_in(mail)]
        return [*mailed, "000000", "123456"]

    @property
    def foreign_ids(self) -> list[str]:
        """The IDs of everything of the owner's: rows that wait for a code, her sessions, and her account."""
        waiting = [each.id for each in (self.ada.registration, self.ada.reset, self.ada.change) if each]
        sessions = [session["session"]["id"] for session in self.ada.sessions]
        return [*waiting, *sessions, *([self.ada.account_id] if self.ada.exists else [])]

    def call(self, mutation: str, given: Json | None, client: str, **credentials: Any) -> Answer:
        """Call a mutation and judge the answer."""
        self.calls += 1
        answer = self.world.call(mutation, given, client=client, **credentials)
        self._require_nothing_of_hers(answer)
        if answer.code == "UNAUTHENTICATED":
            for held in self.holdings:
                held.sessions = [each for each in held.sessions if each["accessToken"] != credentials.get("token")]
        if answer.code and mutation in TELLING:
            self._require_usual_refusal(mutation, answer)
        return answer

    def mail(self, mutation: str, given: Json, address: str, client: str, **credentials: Any) -> Answer:
        """Call a mutation that mails to an address. The limit depends on its mails, and on nothing else."""
        is_allowed = self.limits.allow_mail(address, client)
        answer = self.call(mutation, given, client, **credentials)
        if answer.code in (None, "TOO_MANY_MAILS"):
            assert (answer.code is None) == is_allowed, f"{mutation} tells something about {address}: {answer}"
        if answer.code is None:
            self.limits.count_mail(address, client)
        return answer

    def register(self, user_id: str, email: str, client: str, invitation: str | None) -> None:
        """Begin a registration."""
        given = {
            "userId": user_id, "userName": "M", "email": email, "password": PASSWORD, "invitation": invitation
        }  # fmt: skip
        answer = self.mail("register", given, email, client)
        if answer.code is None:
            row_id, expires_at = answer.payload["registration"]["id"], self.world.now() + CODE_LIFE
            self.begun.append(Waiting(row_id, email, expires_at, user_id=user_id))

    def verify(self, begun: Waiting, code: str, client: str, *, cookies: bool) -> None:
        """Enter a code for a registration of his."""
        is_right = begun.address in self.mailboxes and code in self.world.codes_to(begun.address)
        expected = self.limits.guess(begun)
        given = {"registrationId": begun.id, "otp": code, "cookies": cookies}
        answer = self.call("verifyOtp", given, client, cookies={} if cookies else None)
        if answer.session:
            assert is_right, f"a code completes a registration that it was not mailed for: {answer}"
            self.hold(answer, PASSWORD)
        elif answer.code == "ALREADY_EXISTS":
            # The code was right, so it was no guess.
            begun.guesses -= 1
        elif not is_right:
            assert answer.code == expected, f"{begun}: {answer}"

    def hold(self, answer: Answer, password: str) -> None:
        """Keep what a sign-in has returned. It must open an account of his."""
        assert answer.session
        account = answer.session["account"]
        assert account["email"] not in self.ada.addresses, f"an account with an address of the owner: {answer}"
        found = next((each for each in self.holdings if each.account_id == account["id"]), None)
        if not found:
            found = Holding(account["userId"], account["email"], account["id"], password)
            self.holdings.append(found)
        if answer.cookies:
            assert self.world.me(None, cookies=answer.cookies) == account["id"]
            return
        found.sessions.append(answer.session)
        found.tokens.append(answer.session["accessToken"])
        found.device_token = answer.session["deviceToken"] or found.device_token

    def holding(self, place: int) -> Holding:
        """An account of his that he is signed in to, if he can be; a new one if he has none at this place."""
        if place % 2 >= len(self.holdings):
            self._join()
        found = self.holdings[place % len(self.holdings)]
        if not found.token or datetime.fromisoformat(found.sessions[-1]["expiresAt"]) < self.world.now():
            given = {"userId": found.user_id, "password": found.password, "deviceToken": found.device_token}
            answer = self.call("login", given, CLIENTS[0])
            if answer.session:
                self.hold(answer, found.password)
        return found

    def _join(self) -> None:
        """Register an account at a new mailbox."""
        number = len(self.mailboxes)
        self.mailboxes.append(f"{number}-{self.mailboxes[0]}")
        self.register(f"{self.user_ids[0]}-{number}", self.mailboxes[-1], CLIENTS[0], None)
        self.verify(self.begun.pop(), self.world.codes_to(self.mailboxes[-1])[-1], CLIENTS[0], cookies=False)

    def require_own(self, token: str) -> None:
        """Require that a token opens an account of his, or nothing."""
        opened = self.world.me(token)
        assert opened is None or opened in {each.account_id for each in self.holdings}, "a session of the owner's"

    def require_no_account_of_hers(self) -> None:
        """Require that no account but the owner's has one of her addresses, and that his tokens open his accounts."""
        rows = self.world.run(_accounts_with(self.ada.addresses))
        expected = [self.ada.user_id] if self.ada.exists else []
        assert [row.user_id for row in rows] == expected

    def invite(self, email: str | None) -> None:
        """Get an invitation of the operator's, perhaps for his own address."""
        _, token = self.world.run(invitations.create(InvitationTerms(email=email, makes_admin=True)))
        self.invitations.append(token)

    def _require_nothing_of_hers(self, answer: Answer) -> None:
        hers = [self.ada.account_id, self.ada.device_token, *self.ada.api_tokens]
        for session in self.ada.sessions:
            hers += [session["accessToken"], session["refreshToken"]]
        for secret in filter(None, hers):
            assert secret not in answer.text, f"an answer has something of the owner's: {answer}"

    def _require_usual_refusal(self, mutation: str, answer: Answer) -> None:
        """Require that refusals with the same code are the same for everybody, but for IDs, times and numbers."""
        assert answer.code
        shape = ID_OR_TIME.sub("?", json.dumps(json.loads(answer.text)))
        key = (mutation, f"{answer.code} {answer.error_field}")
        assert self._refusals.setdefault(key, shape) == shape

    def require_same_answer(self, mutation: str, answer: Answer) -> None:
        """Require that all answers without an error have the same form, whomever they are about."""
        shape = ID_OR_TIME.sub("?", answer.text)
        assert self._refusals.setdefault((mutation, ""), shape) == shape


def as_kind(row_id: str, kind: str) -> str:
    """The ID of the same key with the prefix of another type."""
    return row_id.replace(str(prefix_of(row_id)), kind, 1)


async def _accounts_with(addresses: list[str]) -> list[Account]:
    return await Account.filter(email__in=addresses)
