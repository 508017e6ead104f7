"""What happened in a drive: the feed of changes."""
