"""Clients that send uploads and queries to a server."""
