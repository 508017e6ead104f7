"""Accounts: registration, sign-in and sessions."""
