"""The GraphQL API: types, inputs and the root types, their prices, and the execution of operations."""
