"""Uploads: slots, chunks, progress, retries."""
