"""What the API looks like: GraphQL types, inputs and the three roots."""
