"""The index of texts that searches find."""
