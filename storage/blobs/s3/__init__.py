"""Blobs in a bucket of S3, or of whoever speaks its language."""
