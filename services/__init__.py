"""The business logic of CloudKeep, independent of HTTP and GraphQL."""
