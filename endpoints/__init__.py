"""Plain HTTP beside GraphQL: chunk ingest, downloads, health."""
