"""Inputs of mutations of accounts and sessions."""

import strawberry


@strawberry.input(description="The input of `register`.")
class RegisterInput:
    user_id: str = strawberry.field(
        description="The name to sign in with: 3 to 32 letters (a to z), digits, dots, dashes or underscores. It "
        "begins and ends with a letter or a digit, and is stored in lower case."
    )
    user_name: str = strawberry.field(description="The name that is shown to people: 1 to 100 characters.")
    email: str = strawberry.field(description="The e-mail address that the code is sent to: at most 254 characters.")
    password: str = strawberry.field(description="The password: 8 to 1,024 characters.")


@strawberry.input(description="The input of `verifyOtp`.")
class VerifyOtpInput:
    email: str = strawberry.field(description="The e-mail address that the code was sent to.")
    otp: str = strawberry.field(description="The code from the mail: 6 digits.")


@strawberry.input(description="The input of `login`.")
class LoginInput:
    user_id: str = strawberry.field(description="The user ID of the account.")
    password: str = strawberry.field(description="The password of the account.")


@strawberry.input(description="The input of `refreshSession`.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="The latest refresh token of the session.")
