"""API tokens: for programs that act for an account without its password."""

from services.accounts.api_tokens.api_tokens import PREFIX as PREFIX
from services.accounts.api_tokens.api_tokens import ApiTokens as ApiTokens
