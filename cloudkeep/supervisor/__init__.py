"""The processes of a server: how they start, are watched, replaced and stopped."""
