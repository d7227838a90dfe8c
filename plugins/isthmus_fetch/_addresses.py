"""Which addresses are not on the public Internet, and what each of them is.

The tables are IANA's special-purpose registries (RFC 6890 and its successors) and
the addresses at which clouds serve credentials to their own machines.  An IPv6
address that carries an IPv4 address is what the latter is, for on some network or
other it ends up there.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

__all__ = ["Address", "Network", "carried", "plain", "special"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Most of them are link-local or private as well; the name says more.  168.63.129.16
# (Azure) is the one that no registry lists.
_METADATA = frozenset(
    map(
        IPv4Address,
        (
            "169.254.169.254",  # nearly every cloud
            "169.254.170.2",  # Amazon ECS
            "169.254.170.23",  # Amazon EKS
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "168.63.129.16",  # Azure's host
        ),
    )
) | frozenset(
    map(
        IPv6Address,
        (
            "fd00:ec2::254",  # Amazon EC2
            "fd00:ec2::23",  # Amazon EKS
            "fd20:ce::254",  # Google
            "fd00:c1::a9fe:a9fe",  # Oracle
        ),
    )
)

_V4 = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an unspecified address"),  # Linux connects it to itself
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's shared address"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)

# In order: the narrower network comes first.
_V6 = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::1/128", "a loopback address"),
        ("::/128", "an unspecified address"),
        ("ff00::/8", "a multicast address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("fc00::/7", "a unique local address"),
        ("64:ff9b:1::/48", "a local NAT64 address"),
        ("2001::/32", "a Teredo address"),
        ("2001:2::/48", "a benchmarking address"),
        ("2001:db8::/32", "a documentation address"),
        ("2001::/23", "a reserved address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
    )
)
_UNICAST = IPv6Network("2000::/3")  # all that IANA has given out to be routed

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_CARRIES_IN_LAST_32_BITS = (_MAPPED, _NAT64, IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP_MARK = 0x00005EFE  # RFC 5214: the upper half of the interface identifier, but for one bit
_ISATAP_BIT = 0x02000000


def plain(address: Address) -> Address:
    """The address itself, an IPv4-mapped one (``::ffff:10.0.0.1``) as the IPv4 address it connects to."""
    if isinstance(address, IPv6Address) and address in _MAPPED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def carried(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses written inside an IPv6 address, by any of the known translations."""
    if isinstance(address, IPv4Address):
        return ()
    bits = int(address)
    last = bits & 0xFFFFFFFF
    if any(address in network for network in _CARRIES_IN_LAST_32_BITS):
        return (IPv4Address(last),)
    if address in _6TO4:
        return (IPv4Address(bits >> 80 & 0xFFFFFFFF),)
    if address in _TEREDO:  # its server, and its client with every bit turned (RFC 4380, 4)
        return (IPv4Address(bits >> 64 & 0xFFFFFFFF), IPv4Address(last ^ 0xFFFFFFFF))
    if bits >> 32 & 0xFFFFFFFF & ~_ISATAP_BIT == _ISATAP_MARK:
        return (IPv4Address(last),)
    return ()


def special(address: Address) -> str:
    """What an address is that is not on the public Internet (``a loopback address``), else ``""``."""
    if address in _METADATA:
        return "a cloud metadata address"
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _V4 if address in network), "")
    if address in _MAPPED or address in _NAT64:
        return special(carried(address)[0])
    for network, kind in _V6:
        if address in network:
            return kind
    if address not in _UNICAST:
        return "a reserved address"
    return next((kind for inner in carried(address) if (kind := special(inner))), "")
