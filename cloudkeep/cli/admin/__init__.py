"""The commands ``cloudkeep admin``, which work on the database of the data folder, whether a server runs or not."""
