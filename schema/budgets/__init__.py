"""The price of operations, and what is left of a client's budget."""
