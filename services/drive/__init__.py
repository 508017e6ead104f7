"""The files of an account."""
