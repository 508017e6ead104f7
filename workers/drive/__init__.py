"""Jobs of the drive."""
