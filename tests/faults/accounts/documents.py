"""The mutations of accounts."""

ERRORS = "userErrors { field code message }"
SESSION = "session { accessToken refreshToken deviceToken account { userId isAdmin } }"


def _mutation(name: str, fields: str = "") -> str:
    """A mutation with its input; ``fields`` are those of the payload besides the errors."""
    kind = name[0].upper() + name[1:] + "Input"
    return f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {fields} {ERRORS} }} }}"


ME = "{ me { id } }"
REGISTER = _mutation("register", "registration { id }")
RESEND = _mutation("resendOtp", "registration { id }")
VERIFY = _mutation("verifyOtp", SESSION)
LOGIN = _mutation("login", SESSION)
REFRESH = _mutation("refreshSession", SESSION)
LOGOUT = f"mutation {{ logout {{ {ERRORS} }} }}"
REVOKE_OTHERS = f"mutation {{ revokeOtherSessions {{ closedSessions {ERRORS} }} }}"
REAUTHENTICATE = _mutation("reauthenticate", "expiresAt")
REQUEST_RESET = _mutation("requestPasswordReset", "reset { id }")
RESET = _mutation("resetPassword")
CHANGE_PASSWORD = _mutation("changePassword", "account { userId }")
REQUEST_CHANGE = _mutation("requestEmailChange", "emailChange { id }")
CONFIRM_CHANGE = _mutation("confirmEmailChange", "account { email }")
UNDO_CHANGE = _mutation("undoEmailChange", "email")
CREATE_TOKEN = _mutation("createApiToken", "secret apiToken { id }")
REVOKE_TOKEN = _mutation("revokeApiToken", "apiToken { id }")
