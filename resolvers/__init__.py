"""What a field does for a viewer: permission, limits, then one call into services."""
