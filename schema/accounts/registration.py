"""Mutations of registrations, with their inputs and payloads."""

from collections.abc import Awaitable
from typing import Annotated, Self

import strawberry

from resolvers.accounts import registration
from schema.accounts.prices import GUESS, MAIL, PASSWORD_AND_MAIL
from schema.accounts.sign_in_payload import SignInPayload, cookies_input
from schema.accounts.types import Registration
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import NO_API_TOKEN
from storage.accounts import models


@strawberry.input(description="The input of `register`.")
class RegisterInput:
    user_id: str = strawberry.field(
        description="The name to sign in with: 3 to 32 letters (a to z), digits, dots, dashes or underscores. It "
        "begins and ends with a letter or a digit, and is stored in lower case."
    )
    user_name: str = strawberry.field(
        description="The name that is shown to people: 1 to 100 characters, none of which is invisible."
    )
    email: str = strawberry.field(description="The e-mail address that the code is sent to: at most 254 characters.")
    password: str = strawberry.field(
        description="The password: 10 to 1,024 bytes of UTF-8. One that is common, that consists of few different "
        "characters, or that is like the user ID, the user name or the address is refused."
    )
    invitation: str | None = strawberry.field(
        default=None,
        description="The invitation, which a server with the mode `INVITE` requires: see `Server.registration`. It "
        "begins with `cki_`, and can be used once.",
    )


@strawberry.input(description="The input of `verifyOtp`.")
class VerifyOtpInput:
    registration_id: strawberry.ID = strawberry.field(description="The ID of the registration.")
    otp: str = strawberry.field(
        description="The code from the mail: 6 digits of any script. Spaces, dashes and invisible characters are "
        "ignored. A text that is no code does not count as an attempt."
    )
    user_id: str | None = strawberry.field(
        default=None,
        description="Another user ID than that of the registration, if that was taken meanwhile.",
    )
    cookies: bool | None = cookies_input()


@strawberry.input(description="The input of `resendOtp`.")
class ResendOtpInput:
    registration_id: strawberry.ID = strawberry.field(description="The ID of the registration.")


@strawberry.type
class RegistrationPayload:
    registration: Registration | None = strawberry.field(description="The registration; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Registration]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(registration=Registration.of(result) if result else None, user_errors=errors)


@strawberry.type(description="The result of `register`.")
class RegisterPayload(RegistrationPayload):
    pass


@strawberry.type(description="The result of `resendOtp`.")
class ResendOtpPayload(RegistrationPayload):
    pass


@strawberry.type(description="The result of `verifyOtp`.")
class VerifyOtpPayload(SignInPayload):
    pass


@strawberry.type
class RegistrationMutations:
    @strawberry.mutation(
        description="Starts a registration, and sends a code of 6 digits to the e-mail address. `verifyOtp` creates "
        "the account with this code. If the address has an account already, the result is the same, and the mail "
        "says so.",
        directives=[PASSWORD_AND_MAIL, NO_API_TOKEN],
    )
    async def register(self, info: RequestInfo, input: Annotated[RegisterInput, INPUT]) -> RegisterPayload:
        applicant = registration.Applicant(
            input.user_id, input.user_name, input.email, input.password, input.invitation
        )
        work = registration.register(info.context, applicant)
        return await RegisterPayload.of(work)

    @strawberry.mutation(
        description="Sends a new code for a registration. The code before it becomes invalid. Wrong codes stay "
        "counted: after five of them, register again.",
        directives=[MAIL, NO_API_TOKEN],
    )
    async def resend_otp(self, info: RequestInfo, input: Annotated[ResendOtpInput, INPUT]) -> ResendOtpPayload:
        return await ResendOtpPayload.of(registration.resend_otp(info.context, input.registration_id))

    @strawberry.mutation(
        description="Creates the account with the code from the mail, and signs in. A code allows five attempts. The "
        "first account of a server becomes an administrator.",
        directives=[GUESS, NO_API_TOKEN],
    )
    async def verify_otp(self, info: RequestInfo, input: Annotated[VerifyOtpInput, INPUT]) -> VerifyOtpPayload:
        work = registration.verify_otp(
            info.context,
            registration_id=input.registration_id,
            otp=input.otp,
            user_id=input.user_id,
            cookies=input.cookies,
        )
        return await VerifyOtpPayload.of(work)
