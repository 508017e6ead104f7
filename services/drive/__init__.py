"""The folders and files of an account."""
