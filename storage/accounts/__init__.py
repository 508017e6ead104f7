"""Rows of accounts, registrations and sessions."""
