"""Maintenance that workers do beside their jobs."""
