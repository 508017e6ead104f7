"""Measures operations of a drive in a large database, one module for each part."""
