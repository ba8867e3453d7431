"""Addresses that no destination may have: the IANA special-purpose registries as a table.

`ipaddress.is_global` is not sufficient: it accepts multicast, 6to4, NAT64 and other forms that embed any address.
Sources: https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry and
…/ipv6-address-space.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network

_V4 = (
    # Metadata services hand out credentials; two of these addresses are not special in the registry.
    ("metadata", "169.254.169.254/32"),  # AWS, Google Cloud, Azure and most others
    (
        "metadata",
        "168.63.129.16/32",
    ),  # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    ("metadata", "100.100.100.200/32"),  # https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
    ("unspecified", "0.0.0.0/8"),
    ("private", "10.0.0.0/8"),
    ("shared", "100.64.0.0/10"),
    ("loopback", "127.0.0.0/8"),
    ("link_local", "169.254.0.0/16"),
    ("private", "172.16.0.0/12"),
    ("reserved", "192.0.0.0/24"),
    ("documentation", "192.0.2.0/24"),
    ("reserved", "192.88.99.0/24"),  # the relays of 6to4, deprecated
    ("private", "192.168.0.0/16"),
    ("reserved", "198.18.0.0/15"),  # benchmarks
    ("documentation", "198.51.100.0/24"),
    ("documentation", "203.0.113.0/24"),
    ("multicast", "224.0.0.0/4"),
    ("reserved", "240.0.0.0/4"),  # the broadcast address in it
)
_V6 = (
    ("metadata", "fd00:ec2::254/128"),  # AWS
    ("unspecified", "::/128"),
    ("loopback", "::1/128"),
    # An address that embeds an IPv4 address is refused whatever it embeds: no receiver is published under one.
    # Only those with NAT64's well-known prefix are checked by the embedded address: see `unwrap_nat64`.
    ("embedded_ipv4", "::/96"),  # IPv4-compatible
    ("embedded_ipv4", "::ffff:0:0/96"),  # IPv4-mapped
    ("embedded_ipv4", "::ffff:0:0:0/96"),  # SIIT
    ("embedded_ipv4", "64:ff9b:1::/48"),  # NAT64, local
    ("embedded_ipv4", "2001::/32"),  # Teredo
    ("embedded_ipv4", "2002::/16"),  # 6to4
    ("reserved", "2001::/23"),  # protocol assignments: benchmarks, ORCHID and such
    ("documentation", "2001:db8::/32"),
    ("documentation", "3fff::/20"),
    ("reserved", "3ffe::/16"),  # the 6bone, returned
    ("private", "fc00::/7"),
    ("link_local", "fe80::/10"),
    ("private", "fec0::/10"),  # site-local, deprecated
    ("multicast", "ff00::/8"),
)
_REFUSED_V4 = tuple((code, IPv4Network(network)) for code, network in _V4)
_REFUSED_V6 = tuple((code, IPv6Network(network)) for code, network in _V6)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The range that IANA has opened for the public internet; all else (`100::/64`, `5f00::/16`) is refused."""
_ISATAP = 0x00005EFE
_ISATAP_ANY = 0xFDFFFFFF
"""The identifier is in bits 32 to 63, with or without the "universal" bit."""


_WELL_KNOWN_PREFIX = IPv6Network("64:ff9b::/96")


def unwrap_nat64(address: IPAddress) -> IPAddress:
    """Return the IPv4 address embedded by NAT64's well-known prefix; any other address unchanged.

    In an IPv6-only network, DNS64 returns such an address for every name that has an IPv4 address.
    Source: https://www.rfc-editor.org/rfc/rfc6052#section-2.1
    """
    if isinstance(address, IPv6Address) and address in _WELL_KNOWN_PREFIX:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def refusal_code(address: IPAddress) -> str | None:
    """Return the reason code for refusing an address; None if it is on the public internet."""
    address = unwrap_nat64(address)
    if isinstance(address, IPv4Address):
        return next((code for code, network in _REFUSED_V4 if address in network), None)
    for code, network in _REFUSED_V6:
        if address in network:
            return code
    if address not in _GLOBAL_UNICAST:
        return "reserved"
    if int(address) >> 32 & _ISATAP_ANY == _ISATAP:
        return "embedded_ipv4"
    return None


_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_V4_BITS = 32
_V4_PARTS = 4


def parse_address(host: str) -> IPAddress | None:
    """Parse a host that is an address, including all forms of `inet_aton`: `0x7f.1`, `2130706433`, `0177.1`.

    Return None for a name. Raise ValueError for an invalid address, such as `1.2.3.4.5` or `256.0.0.1`.
    """
    if ":" in host:
        return _v6(host)
    parts = host.lower().split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        return None
    if len(parts) > _V4_PARTS or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ValueError("neither a host name nor an address")
    *front, last = (_number(part) for part in parts)
    width = _V4_BITS - 8 * len(front)  # the last part fills all remaining bits
    if last >> width or any(part > 0xFF for part in front):  # noqa: PLR2004 - a byte
        raise ValueError("neither a host name nor an address")
    value = last
    for position, part in enumerate(front):
        value |= part << (_V4_BITS - 8 * (position + 1))
    return IPv4Address(value)


def _v6(host: str) -> IPv6Address:
    if "%" in host:
        raise ValueError("an address with a zone")
    try:
        return IPv6Address(host)
    except AddressValueError as error:
        raise ValueError("neither a host name nor an address") from error


def _number(part: str) -> int:
    """Parse one part as C does: hexadecimal after 0x, octal after 0, else decimal."""
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    base = 8 if part.startswith("0") else 10
    return int(part, base)
