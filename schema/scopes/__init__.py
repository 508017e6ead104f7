"""Which API tokens may use which field: declared in the schema, and checked before an operation runs."""
