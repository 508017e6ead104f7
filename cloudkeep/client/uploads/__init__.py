"""Uploading one file: find or begin its upload, send what is missing, follow it to its end."""
