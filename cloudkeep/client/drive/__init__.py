"""Folders and files of a drive: list, find, create, move, copy, trash and restore them."""
