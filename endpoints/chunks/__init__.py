"""Chunks of uploads, by signed URLs."""
