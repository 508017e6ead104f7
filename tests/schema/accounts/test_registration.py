"""Registration through the API: what strangers can do to an address, and what its owner still can."""

import httpx
import pytest

from tests.schema.accounts.applicant import EMAIL, Applicant, error_of, field_of, wait_of
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import PASSWORD, otp_of

ATTACKERS_PASSWORD = "a password of somebody else"
HOUR = 3_600


@pytest.fixture
def applicant(http: httpx.AsyncClient, sink: SmtpSink) -> Applicant:
    return Applicant(http, sink)


@pytest.mark.parametrize("order", [("mallory", "ada"), ("ada", "mallory")])
async def test_a_code_completes_only_the_registration_that_it_was_mailed_for(
    applicant: Applicant, order: tuple[str, ...]
) -> None:
    """A stranger who registers with the address of somebody, before her or after her, gets nothing by her code."""
    begun: dict[str, tuple[str, str]] = {}
    for user_id in order:
        begun[user_id] = await applicant.begin(user_id, password=PASSWORD if user_id == "ada" else ATTACKERS_PASSWORD)
    (hers, code), (his, _) = begun["ada"], begun["mallory"]
    assert error_of(await applicant.verify(his, code)) == "INVALID_OTP"
    assert (await applicant.verify(hers, code))["session"]["account"]["userId"] == "ada"
    assert error_of(await applicant.verify(his, code)) == "INVALID_OTP"
    assert await applicant.signs_in("ada", PASSWORD)
    assert not await applicant.signs_in("ada", ATTACKERS_PASSWORD)
    assert not await applicant.signs_in("mallory", ATTACKERS_PASSWORD)


async def test_wrong_guesses_of_a_stranger_leave_the_code_of_the_owner_valid(applicant: Applicant) -> None:
    hers, code = await applicant.begin("ada")
    for number in range(3):
        await applicant.guess_wrongly(*await applicant.begin(f"mallory{number}"), times=6)
    assert (await applicant.verify(hers, code))["session"]["account"]["userId"] == "ada"


async def test_the_owner_can_register_after_a_stranger_has_used_up_the_guesses(applicant: Applicant) -> None:
    for number in range(3):
        await applicant.guess_wrongly(*await applicant.begin(f"mallory{number}"), times=6)
    assert (await applicant.verify(*await applicant.begin("ada")))["session"]["account"]["userId"] == "ada"


async def test_to_register_again_gives_no_more_guesses(applicant: Applicant) -> None:
    """Guesses are counted for each address and hour, across registrations. The first at each code is always allowed."""
    refusals: list[str] = []
    for number in range(4):
        refusals += await applicant.guess_wrongly(*await applicant.begin(f"mallory{number}"), times=5)
    assert refusals == ["INVALID_OTP"] * 10 + ["INVALID_OTP", *["TOO_MANY_ATTEMPTS"] * 4] * 2


async def test_a_refused_guess_has_the_seconds_to_wait(applicant: Applicant) -> None:
    for number in range(2):
        await applicant.guess_wrongly(*await applicant.begin(f"mallory{number}"), times=5)
    registration_id, code = await applicant.begin("ada")
    await applicant.guess_wrongly(registration_id, code, times=1)
    refused = await applicant.verify(registration_id, code)
    assert error_of(refused) == "TOO_MANY_ATTEMPTS"
    assert 0 < wait_of(refused) <= HOUR


async def test_an_address_gets_few_mails_an_hour_from_all_clients(applicant: Applicant, sink: SmtpSink) -> None:
    """One client network causes four of the five, so that one is left to the owner."""
    registration_id, _ = await applicant.begin("ada")
    await applicant.resend(registration_id)
    for number in range(2):
        await applicant.begin(f"mallory{number}")
    refused = [await applicant.register("eve"), await applicant.resend(registration_id)]
    assert [error_of(payload) for payload in refused] == ["TOO_MANY_MAILS"] * 2
    assert 0 < wait_of(refused[0]) <= HOUR
    assert len(sink.mails) == 4
    await applicant.begin("bob", "bob@example.org")


async def test_the_limit_of_mails_does_not_tell_which_addresses_have_accounts(applicant: Applicant) -> None:
    await applicant.join("ada")

    async def refusals(email: str) -> list[str]:
        payloads = [await applicant.register(f"mallory{number}", email) for number in range(6)]
        return [payload["errors"][0]["message"] for payload in payloads if "errors" in payload]

    of_unknown = await refusals("nobody@example.org")
    assert len(of_unknown) == 2
    # One mail more was sent to the known address, by its own registration.
    assert await refusals(EMAIL) == [*of_unknown, of_unknown[0]]


async def test_an_address_with_an_account_answers_as_usual_and_its_owner_gets_a_mail(
    applicant: Applicant, sink: SmtpSink
) -> None:
    await applicant.join("ada")
    payloads = [await applicant.register("eve", email) for email in (EMAIL, "new@example.org")]
    for payload in payloads:
        assert payload["userErrors"] == []
        assert payload["registration"].keys() == {"id", "email", "expiresAt"}
    assert "already" in sink.mails[-2].text
    of_known, of_unknown = [
        await applicant.guess_wrongly(payload["registration"]["id"], otp_of(sink), times=6) for payload in payloads
    ]
    assert of_known == of_unknown


async def test_a_new_code_replaces_the_one_before(applicant: Applicant, sink: SmtpSink) -> None:
    registration_id, first = await applicant.begin("ada")
    payload = await applicant.resend(registration_id)
    assert payload["registration"]["id"] == registration_id
    second = otp_of(sink)
    if second != first:
        assert error_of(await applicant.verify(registration_id, first)) == "INVALID_OTP"
    assert (await applicant.verify(registration_id, second))["session"]["account"]["userId"] == "ada"


async def test_a_new_code_gives_no_new_guesses(applicant: Applicant, sink: SmtpSink) -> None:
    registration_id, code = await applicant.begin("ada")
    await applicant.guess_wrongly(registration_id, code, times=4)
    assert (await applicant.resend(registration_id))["userErrors"] == []
    newer = otp_of(sink)
    await applicant.guess_wrongly(registration_id, newer, times=1)
    assert error_of(await applicant.verify(registration_id, newer)) == "INVALID_OTP"


async def test_a_registration_without_guesses_left_and_an_unknown_one_answer_the_same(applicant: Applicant) -> None:
    registration_id, code = await applicant.begin("ada")
    await applicant.guess_wrongly(registration_id, code, times=5)
    spent = await applicant.resend(registration_id)
    assert error_of(spent) == "NOT_FOUND"
    for unknown in ("registration_00000000000000000000000000", "garbage", ""):
        assert await applicant.resend(unknown) == spent


async def test_a_new_code_for_an_address_with_an_account_is_a_mail_to_its_owner(
    applicant: Applicant, sink: SmtpSink
) -> None:
    await applicant.join("ada")
    registration = (await applicant.register("eve"))["registration"]
    assert (await applicant.resend(registration["id"]))["userErrors"] == []
    assert "already" in sink.mails[-1].text


async def test_a_taken_user_id_is_refused_at_once(applicant: Applicant, sink: SmtpSink) -> None:
    await applicant.join("ada")
    mails = len(sink.mails)
    payload = await applicant.register("ada", "other@example.org")
    assert (error_of(payload), field_of(payload)) == ("ALREADY_EXISTS", "userId")
    assert len(sink.mails) == mails


async def test_a_user_id_that_was_taken_meanwhile_is_replaced_by_another_with_the_same_code(
    applicant: Applicant,
) -> None:
    registration_id, code = await applicant.begin("ada", "other@example.org")
    await applicant.join("ada")
    # More often than there are guesses: a right code is none.
    for _ in range(6):
        payload = await applicant.verify(registration_id, code)
        assert (error_of(payload), field_of(payload)) == ("ALREADY_EXISTS", "userId")
    assert field_of(await applicant.verify(registration_id, code, userId="?")) == "userId"
    account = (await applicant.verify(registration_id, code, userId="Countess"))["session"]["account"]
    assert (account["userId"], account["email"]) == ("countess", "other@example.org")


async def test_the_second_registration_of_an_address_is_refused_when_its_code_is_entered(applicant: Applicant) -> None:
    later = await applicant.begin("countess")
    await applicant.join("ada")
    payload = await applicant.verify(*later)
    assert (error_of(payload), field_of(payload)) == ("ALREADY_EXISTS", "registrationId")


async def test_the_first_account_of_a_server_is_an_administrator(applicant: Applicant) -> None:
    assert (await applicant.join("ada"))["isAdmin"]
    assert not (await applicant.join("bob", "bob@example.org"))["isAdmin"]
