"""Sessions: opened, refreshed, watched and closed."""
