"""Mails: their templates in each language, and sending them at once, soon, or from the outbox."""
