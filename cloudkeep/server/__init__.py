"""Extensions of uvicorn: protocols with limits, request bodies on threads, and a graceful stop."""
