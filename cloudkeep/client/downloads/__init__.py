"""Downloads of files and whole folders, which can be resumed and are verified."""
