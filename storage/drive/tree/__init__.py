"""The tree of folders and files."""
