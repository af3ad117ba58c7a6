"""Network card of a machine in a zone: its MAC and the name of its tap, both told by its one address.

So a packet filter can bind all three without being told anything but the address.
"""

import ipaddress


def mac(address: str) -> str:
    """Return the MAC (locally administered) of the machine with this IPv4 address."""
    octets = ipaddress.IPv4Address(address).packed
    return ":".join(f"{byte:02x}" for byte in (0x52, 0x54, *octets))


def tap(address: str) -> str:
    """Return the name of the interface on the node to which that machine's card is plugged."""
    return "hm" + ipaddress.IPv4Address(address).packed.hex()
