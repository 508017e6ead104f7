"""Everything on a wire or a disk."""
