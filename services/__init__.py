"""What CloudKeep does. Knows neither HTTP nor GraphQL."""
