"""Measures the space and work that CloudKeep's data takes in its stores, one module for each store."""
