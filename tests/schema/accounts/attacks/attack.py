"""The rules of the attacker: one for each mutation of accounts, with its name."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.schema.accounts.attacks.limits import CODE_LIFE, Waiting
from tests.schema.accounts.attacks.mallory import CLIENTS, PASSWORD, REFUSED_SIGN_INS, as_kind
from tests.schema.accounts.attacks.owner_rules import OwnerRules, at, places

clients = st.sampled_from(CLIENTS)


class Attack(OwnerRules):
    """The rules of both: whatever they do, the owner is unharmed after each step."""

    @initialize(is_registered=st.booleans(), accounts=st.integers(0, 2), have_moved=st.booleans())
    def begin(self, is_registered: bool, accounts: int, have_moved: bool) -> None:
        """Begin in the middle: with accounts, and with changes of address that can be undone."""
        if accounts and have_moved:
            self.mallory_request_email_change(0, self.mallory.targets.index(self.mallory.mailboxes[1]), CLIENTS[0])
            self.mallory_confirm_email_change(0, 0, 0, CLIENTS[0])
        for number in range(accounts):
            self.mallory.holding(number)
        if is_registered:
            self.ada.register()
            self.ada.verify()
        if is_registered and have_moved:
            self.ada.request_change(1)
            self.ada.confirm_change()

    @rule(user=places, address=places, client=clients, invitation=st.none() | places)
    def mallory_register(self, user: int, address: int, client: str, invitation: int | None) -> None:
        mallory = self.mallory
        if invitation is not None and not mallory.invitations:
            mallory.invite(at([None, *mallory.mailboxes], user))
        token = None if invitation is None else at(mallory.invitations, invitation)
        mallory.register(
            at([*mallory.user_ids, self.ada.user_id or "ada"], user), at(mallory.targets, address), client, token
        )

    @rule(row=places, client=clients)
    def mallory_resend_otp(self, row: int, client: str) -> None:
        mallory = self.mallory
        if not mallory.begun:
            mallory.call("resendOtp", {"registrationId": "registration_00000000000000000000000000"}, client)
            return
        begun = at(mallory.begun, row)
        answer = mallory.mail("resendOtp", {"registrationId": begun.id}, begun.address, client)
        if answer.code is None:
            begun.expires_at = self.world.now() + CODE_LIFE

    @precondition(lambda self: self.mallory.begun)
    @rule(row=places, codes=st.lists(places, min_size=1, max_size=6), client=clients, cookies=st.booleans())
    def mallory_verify_otp(self, row: int, codes: list[int], client: str, cookies: bool) -> None:
        begun = at(self.mallory.begun, row)
        for code in codes:
            self.mallory.verify(begun, at(self.mallory.codes, code), client, cookies=cookies)

    @rule(row=places, code=places, client=clients)
    def mallory_verify_otp_of_hers(self, row: int, code: int, client: str) -> None:
        """IDs are random, so he cannot know them. If he did, a wrong guess would not help him."""
        registration_id = as_kind(at([*self.mallory.foreign_ids, "change_0"], row), "registration")
        if (waits := self.ada.registration) and waits.id == registration_id:
            self.mallory.limits.guess(waits)
        given = {"registrationId": registration_id, "otp": at(self.mallory.codes, code)}
        assert self.mallory.call("verifyOtp", given, client).session is None

    @rule(
        name=places,
        first=places,
        number=st.sampled_from([1, 6, 12]),
        client=clients,
        device=st.booleans(),
        cookies=st.booleans(),
    )
    def mallory_login(self, name: int, first: int, number: int, client: str, device: bool, cookies: bool) -> None:
        mallory = self.mallory
        names = [self.ada.user_id or self.ada.wanted, self.ada.email, *self.ada.addresses[1:], *mallory.strangers]
        given = {"userId": at(names, name), "cookies": cookies}
        if device and mallory.holdings:
            given["deviceToken"] = at(mallory.holdings, first).device_token
        for guess in range(number):
            password = at(near_misses(self.ada.password or self.ada.passwords[0]), first + guess)
            answer = mallory.call("login", {**given, "password": password}, client, cookies={} if cookies else None)
            assert answer.code in REFUSED_SIGN_INS, "a guess signs in"

    @precondition(lambda self: self.mallory.holdings)
    @rule(which=places, client=clients)
    def mallory_login_to_his_own(self, which: int, client: str) -> None:
        holding = at(self.mallory.holdings, which)
        given = {"userId": holding.user_id, "password": holding.password, "deviceToken": holding.device_token}
        answer = self.mallory.call("login", given, client)
        if answer.session:
            self.mallory.hold(answer, holding.password)

    @rule(address=places, client=clients)
    def mallory_request_password_reset(self, address: int, client: str) -> None:
        mallory, email = self.mallory, at(self.mallory.targets, address)
        already = len(self.world.codes_to(email))
        answer = mallory.mail("requestPasswordReset", {"email": email}, email, client)
        if answer.code:
            return
        mallory.require_same_answer("requestPasswordReset", answer)
        mallory.resets.append(answer.payload["reset"]["id"])
        if email in [self.ada.email if self.ada.exists else "", *(each.email for each in mallory.holdings)]:
            self.world.await_more(lambda: self.world.codes_to(email), already)

    @rule(row=places, codes=st.lists(places, min_size=1, max_size=6), client=clients)
    def mallory_reset_password(self, row: int, codes: list[int], client: str) -> None:
        mallory = self.mallory
        reset_id = at(
            [*mallory.resets[::-1], *(as_kind(each, "reset") for each in mallory.foreign_ids), "reset_0"], row
        )
        if (waits := self.ada.reset) and waits.id == reset_id:
            waits.guesses += len(codes)
        for code in codes:
            given = {"resetId": reset_id, "otp": at(mallory.codes, code), "newPassword": PASSWORD}
            assert mallory.call("resetPassword", given, client).code in (None, "INVALID_OTP")

    @rule(which=places, address=places, client=clients)
    def mallory_request_email_change(self, which: int, address: int, client: str) -> None:
        mallory, email = self.mallory, at(self.mallory.targets, address)
        holding = self.mallory.holding(which)
        mallory.call("reauthenticate", {"password": holding.password}, client, token=holding.token)
        if holding.email == email or holding.requested_changes >= 5:
            return
        answer = mallory.mail("requestEmailChange", {"newEmail": email}, email, client, token=holding.token)
        holding.requested_changes += 1
        if answer.code is None:
            mallory.require_same_answer("requestEmailChange", answer)
            expires_at = self.world.now() + CODE_LIFE
            mallory.changes.append(
                Waiting(answer.payload["emailChange"]["id"], email, expires_at, user_id=holding.user_id)
            )

    @rule(which=places, row=places, code=places, client=clients)
    def mallory_confirm_email_change(self, which: int, row: int, code: int, client: str) -> None:
        mallory, holding = self.mallory, self.mallory.holding(which)
        changes = mallory.changes[::-1] + [
            Waiting(as_kind(each, "change"), "", self.world.now()) for each in mallory.foreign_ids
        ]
        waits = at([*changes, Waiting("change_0", "", self.world.now())], row)
        if waits.user_id == holding.user_id:
            mallory.limits.guess(waits, compares_late=True)
        given = {"emailChangeId": waits.id, "otp": at(mallory.codes, code)}
        answer = mallory.call("confirmEmailChange", given, client, token=holding.token)
        if answer.code is None:
            former, holding.email = holding.email, waits.address
            assert holding.email in mallory.mailboxes
            self.world.await_more(lambda: self.world.tokens_to(former), 0)

    @rule(row=places, client=clients)
    def mallory_undo_email_change(self, row: int, client: str) -> None:
        mallory = self.mallory
        token = at([*(each for box in mallory.mailboxes for each in self.world.tokens_to(box)), "A" * 43], row)
        answer = mallory.call("undoEmailChange", {"token": token}, client)
        assert answer.code or answer.payload["email"] in mallory.mailboxes

    @rule(row=places, form=places, client=clients)
    def mallory_refresh_session(self, row: int, form: int, client: str) -> None:
        answer = self.mallory.call("refreshSession", {"refreshToken": self._forged(row, form)}, client)
        if answer.session:
            self.mallory.hold(answer, PASSWORD)

    @rule(row=places, form=places, client=clients)
    def mallory_logout(self, row: int, form: int, client: str) -> None:
        self.mallory.call("logout", {"refreshToken": self._forged(row, form)}, client)

    @rule(which=places, row=places, client=clients)
    def mallory_revoke_session(self, which: int, row: int, client: str) -> None:
        mallory, holding = self.mallory, self.mallory.holding(which)
        for foreign in mallory.foreign_ids:
            assert mallory.call(
                "revokeSession", {"sessionId": as_kind(foreign, "session")}, client, token=holding.token
            ).code
            assert not self.world.node(foreign, holding.token, client).payload
        own = at(holding.sessions, row)["session"]["id"] if holding.sessions else ""
        mallory.call("revokeSession", {"sessionId": own}, client, token=holding.token)

    @rule(which=places, client=clients)
    def mallory_revoke_other_sessions(self, which: int, client: str) -> None:
        self.mallory.call("revokeOtherSessions", None, client, token=self.mallory.holding(which).token)

    @rule(which=places, guess=places, client=clients)
    def mallory_reauthenticate(self, which: int, guess: int, client: str) -> None:
        password = at([*near_misses(self.ada.passwords[0]), self.ada.passwords[0], PASSWORD], guess)
        token = self.mallory.holding(which).token
        self.mallory.call("reauthenticate", {"password": password}, client, token=token)

    @rule(which=places, row=places, client=clients)
    def mallory_create_api_token(self, which: int, row: int, client: str) -> None:
        holding = self.mallory.holding(which)
        self.mallory.call("reauthenticate", {"password": holding.password}, client, token=holding.token)
        token = at([holding.token, *self.mallory.api_tokens], row)
        given = {"name": "x", "scopes": ["READ", "ACCOUNT", "DELETE"]}
        answer = self.mallory.call("createApiToken", given, client, token=token)
        if answer.code is None:
            self.mallory.api_tokens.append(answer.payload["secret"])
            self.mallory.require_own(answer.payload["secret"])

    @rule(which=places, client=clients)
    def mallory_revoke_api_token(self, which: int, client: str) -> None:
        token = self.mallory.holding(which).token
        for foreign in self.mallory.foreign_ids:
            given = {"apiTokenId": as_kind(foreign, "token")}
            assert self.mallory.call("revokeApiToken", given, client, token=token).code

    @rule(which=places, guess=places, client=clients)
    def mallory_change_password(self, which: int, guess: int, client: str) -> None:
        holding = self.mallory.holding(which)
        current = at([PASSWORD, *self.ada.passwords], guess)
        given = {"currentPassword": current, "newPassword": PASSWORD}
        self.mallory.call("changePassword", given, client, token=holding.token)

    @rule(which=places, row=places, client=clients)
    def mallory_update_profile(self, which: int, row: int, client: str) -> None:
        token = at([self.mallory.holding(which).token, *self.mallory.api_tokens], row)
        self.mallory.call("updateProfile", {"userName": "Ada", "locale": "de"}, client, token=token)

    @invariant()
    def the_owner_is_unharmed(self) -> None:
        self.mallory.require_no_account_of_hers()
        if self.ada.exists:
            self.ada.require_untouched(by_attacker=self.mallory.calls > self._checked_calls)
            self._checked_calls = self.mallory.calls

    def teardown(self) -> None:
        """At the end, all that he was given opens his own accounts, or nothing any more, and hers opens her account."""
        for token in [*self.mallory.api_tokens, *(each for held in self.mallory.holdings for each in held.tokens[-2:])]:
            self.mallory.require_own(token)
        if self.ada.exists:
            self.ada.require_all_credentials()

    def _forged(self, row: int, form: int) -> str:
        """A refresh token: one of his own, or a forged one for a session of the owner's."""
        own: list[str] = [session["refreshToken"] for held in self.mallory.holdings for session in held.sessions]
        sessions = [str(session["refreshToken"]).partition(".")[0] for session in self.ada.sessions]
        secret, tag = (at(own, form).split(".") if own else ["", "garbage", "garbage"])[1:]
        forged = [each for key in sessions for each in (f"{key}.garbage", f"{key}.{secret}.{tag}", f"{key}.", key)]
        return at([*forged, *own, "garbage"], row * 5 + form)


def near_misses(password: str) -> list[str]:
    """Guesses that are almost right."""
    return [password.upper(), password[:-1], password + "!", f" {password}", password.replace(" ", ""), "", PASSWORD]
