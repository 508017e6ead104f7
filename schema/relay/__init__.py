"""Nodes and connections, by Relay's specifications."""
