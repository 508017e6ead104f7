"""The drive of the viewer."""
