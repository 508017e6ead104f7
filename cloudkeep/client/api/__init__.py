"""GraphQL and HTTP as the client speaks them: sessions, retries, waits that the server asks for."""
