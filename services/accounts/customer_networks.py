"""The networks of customers of internet providers, for limits that one person must not be able to use up for others."""

from ipaddress import ip_network

from services.budgets.budget_layers import client_network

#: The network that a customer with IPv6 can have (RFC 6177): 65,536 of the networks that count as one client elsewhere.
IPV6_BITS = 48


def customer_network(address: str) -> str:
    """The address of a client with IPv4, or its /48 network of IPv6. Other text is returned unchanged."""
    network = client_network(address)
    return str(ip_network(network).supernet(new_prefix=IPV6_BITS)) if network.endswith("/64") else network
