"""Nodes and connections, according to Relay's specifications."""
