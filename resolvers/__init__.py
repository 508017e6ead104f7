"""Resolvers: each checks the viewer's permission and the limits of its arguments, and then calls a service."""
