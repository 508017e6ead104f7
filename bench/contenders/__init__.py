"""Servers that can be measured, and a client for each."""
