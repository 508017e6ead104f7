"""What operations cost, and what is left to a client."""
