"""Backups: a folder with dated copies of the database, and one copy of every stored blob."""
