"""The GraphQL documents of the commands of accounts."""

from cloudkeep.client.api.documents import SESSION_FIELDS
from cloudkeep.client.api.documents import USER_ERRORS as ERRORS

SERVER = "{ server { registration } }"
WHOAMI = "{ me { userId userName email } }"
#: For API tokens, many of which may not read the address.
WHOAMI_WITHOUT_ADDRESS = "{ me { userId userName } }"
CURRENT_SESSION = "query ($id: ID!) { node(id: $id) { ... on Session { createdAt expiresAt } } }"
REGISTER = f"mutation ($input: RegisterInput!) {{ register(input: $input) {{ registration {{ id email }} {ERRORS} }} }}"
RESEND_OTP = f"""mutation ($input: ResendOtpInput!) {{
  resendOtp(input: $input) {{ registration {{ id email }} {ERRORS} }} }}"""
VERIFY_OTP = f"mutation ($input: VerifyOtpInput!) {{ verifyOtp(input: $input) {{ {SESSION_FIELDS} }} }}"
LOGOUT = f"mutation ($input: LogoutInput!) {{ logout(input: $input) {{ {ERRORS} }} }}"
REAUTHENTICATE = f"mutation ($input: ReauthenticateInput!) {{ reauthenticate(input: $input) {{ {ERRORS} }} }}"

LISTED_FIELDS = "id name lastCharacters scopes createdAt lastUsedAt expiresAt"
CREATE_API_TOKEN = f"""mutation ($input: CreateApiTokenInput!) {{
  createApiToken(input: $input) {{ apiToken {{ {LISTED_FIELDS} }} secret {ERRORS} }} }}"""
REVOKE_API_TOKEN = f"""mutation ($input: RevokeApiTokenInput!) {{
  revokeApiToken(input: $input) {{ apiToken {{ name }} {ERRORS} }} }}"""
API_TOKENS = f"""query ($first: Int!, $after: String) {{
  me {{ apiTokens(first: $first, after: $after) {{
    nodes {{ {LISTED_FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"""

ALL = (
    SERVER,
    WHOAMI,
    WHOAMI_WITHOUT_ADDRESS,
    CURRENT_SESSION,
    REGISTER,
    RESEND_OTP,
    VERIFY_OTP,
    LOGOUT,
    REAUTHENTICATE,
    CREATE_API_TOKEN,
    REVOKE_API_TOKEN,
    API_TOKENS,
)
