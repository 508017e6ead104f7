"""Accounts, sessions, passwords and access tokens."""
