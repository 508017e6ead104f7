"""The client's GraphQL and HTTP: sessions, retries and rate limits."""
