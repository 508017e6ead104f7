"""What an operation costs: weights in the schema, a price before it runs, and the actual cost of what it returned."""
