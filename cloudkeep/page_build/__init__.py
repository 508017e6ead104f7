"""Builds the page from ``web/``, with the standard library alone: the wheel is built with this package as well."""
