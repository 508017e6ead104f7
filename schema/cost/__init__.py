"""The cost of operations: the weights of the schema, the price of an operation, and the actual cost of its response."""
