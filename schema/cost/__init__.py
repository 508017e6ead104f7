"""The cost of operations: weights in the schema, the price before an operation runs, and the cost of its answer."""
