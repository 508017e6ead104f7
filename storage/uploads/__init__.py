"""Rows of uploads and chunks, and slot leases in Redis."""
