"""What a viewer, or the bearer of a signed URL, may do with an item."""
