"""Rows of limit overrides, and leases of subscriptions in Redis."""
