"""Files and their renditions."""
