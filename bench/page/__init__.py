"""Measures the page in Chromium."""
