"""Uploads to several servers in alternating rounds."""
