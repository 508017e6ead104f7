"""Attacks on a server over the network, with an honest client beside them."""
