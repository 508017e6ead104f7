"""The command line's client: it knows a CloudKeep server by its public API alone, and keeps nothing on this machine."""
