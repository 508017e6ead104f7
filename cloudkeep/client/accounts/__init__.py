"""The commands of accounts: sign in and out, register, and API tokens."""
