"""Uploads, their slots and their progress."""
