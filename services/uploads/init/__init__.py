"""Starts uploads."""
