"""Builds the page from ``web/``, beside a running server, for a wheel or for an image.

It is outside of ``cloudkeep/`` because it runs where that is not installed yet, with the standard library alone, and
because an installed CloudKeep has no sources to build.
"""
