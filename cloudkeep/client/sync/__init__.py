"""Uploads of whole folders, and the synchronisation of a folder with one of the drive."""
