"""The ASGI application: its middleware, its error handlers and how its requests are observed."""
