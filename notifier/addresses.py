"""Client addresses, as far as limits are concerned."""

import ipaddress

_IPV6_SUBSCRIBER = 64
"""Bits of an IPv6 address that a subscriber cannot choose: a network has 64 (RFC 4291 §2.5.1)."""


def is_loopback(address: str) -> bool:
    """Whether it is one of a machine's own. What is no address is none."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def subscriber(address: str) -> str:
    """What stands for everything that whoever has ``address`` can send from.

    That is the address itself in IPv4, and its /64 in IPv6, of which one host has 2^64
    addresses. What is no address stands for itself.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _IPV6_SUBSCRIBER), strict=False))
