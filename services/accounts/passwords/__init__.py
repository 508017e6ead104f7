"""Passwords: the rules of new ones, and their hashes."""
