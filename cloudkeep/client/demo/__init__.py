"""The command ``cloudkeep demo``: the API from registration to download, with every request shown as it is sent."""
