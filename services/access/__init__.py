"""Permissions of viewers, and signed URLs."""
