"""Media facts and compression options."""
