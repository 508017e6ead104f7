"""Downloads of files and zip files, by signed URLs."""
