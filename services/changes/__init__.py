"""What happened in a drive: the feed of changes, and the stream of all activity."""
