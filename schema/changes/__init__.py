"""The feed of changes, and the stream of all activity."""
