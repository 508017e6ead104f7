"""Connections to Redis or Valkey, and an embedded Valkey."""
