"""GraphQL over HTTP, Server-Sent Events and WebSocket, and GraphiQL."""
