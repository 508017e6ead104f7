"""Fields about the price of operations and the client's remaining budget."""
