"""Servers that can be measured, and how each of them is spoken to."""
