"""Uploads of files: start or find an upload, send the missing chunks, follow the progress."""
