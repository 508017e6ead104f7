"""What is ours inside uvicorn: bounded protocols, request bodies on threads, graceful stop."""
