"""Rows of mails that wait until a worker sends them."""
