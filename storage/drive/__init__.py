"""Rows of files and renditions, and how much storage they use."""
