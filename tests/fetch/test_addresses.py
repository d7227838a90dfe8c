"""Whether an address is on the public Internet, against rules written down a second time."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given, strategies as st

from isthmus_fetch._addresses import carried, plain, special

METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
]


def forbidden_v4(bits: int) -> bool:
    """The registry again, by octets."""
    a, b, c, _ = bits.to_bytes(4, "big")
    return (
        a in {0, 10, 127}
        or a >= 224
        or (a == 100 and 64 <= b < 128)
        or (a, b) in {(169, 254), (192, 168), (198, 18), (198, 19)}
        or (a == 172 and 16 <= b < 32)
        or (a, b, c) in {(192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 51, 100), (203, 0, 113)}
        or str(IPv4Address(bits)) in METADATA
    )


def forbidden_v6(bits: int) -> bool:
    """The registry again, by groups."""
    groups = [bits >> shift & 0xFFFF for shift in range(112, -1, -16)]
    last = bits & 0xFFFFFFFF
    if groups[:6] in ([0, 0, 0, 0, 0, 0xFFFF], [0x64, 0xFF9B, 0, 0, 0, 0]):
        return forbidden_v4(last)
    if groups[0] >> 13 != 1:  # all that is unicast begins with the bits 001
        return True
    return (
        (groups[0] == 0x2001 and groups[1] < 0x200)
        or groups[:2] == [0x2001, 0xDB8]
        or groups[0] == 0x2002
        or (groups[0] == 0x3FFF and groups[1] < 0x1000)
        or (groups[4] in {0, 0x200} and groups[5] == 0x5EFE and forbidden_v4(last))
    )


v4 = st.integers(0, 2**32 - 1)
# Half of them near the edges of something, where an off-by-one would show.
EDGES = [
    "0",
    "9",
    "10",
    "11",
    "100",
    "127",
    "128",
    "169",
    "172",
    "192",
    "198",
    "203",
    "223",
    "224",
    "240",
    "255",
]
near = st.tuples(
    st.sampled_from([int(edge) for edge in EDGES]),
    st.sampled_from(
        [0, 15, 16, 31, 32, 51, 63, 64, 88, 127, 128, 167, 168, 169, 17, 18, 19, 20, 253, 254, 255]
    ),
    st.sampled_from([0, 1, 2, 3, 98, 99, 100, 101, 112, 113, 114, 169, 170, 255]),
    st.integers(0, 255),
).map(lambda octets: int.from_bytes(bytes(octets), "big"))
prefixes = st.sampled_from(
    [
        "1fff",
        "2000",
        "2001:0",
        "2001:1",
        "2001:2",
        "2001:1ff",
        "2001:200",
        "2001:db7",
        "2001:db8",
        "2001:db9",
        "2002",
        "2003",
        "3ffe",
        "3fff:fff",
        "3fff:1000",
        "4000",
        "64:ff9b",
        "64:ff9b:1",
        "fc00",
        "fdff",
        "fe00",
        "fe80",
        "febf",
        "fec0",
        "ff02",
        "0:ffff",
        "100",
    ]
).map(lambda text: int(IPv6Address(f"{text}::")))
v6 = st.one_of(
    st.integers(0, 2**128 - 1),
    st.builds(lambda prefix, rest: prefix | rest, prefixes, st.integers(0, 2**80 - 1)),
    st.builds(lambda prefix, rest: prefix | 0x5EFE << 32 | rest, prefixes, near),
    st.builds(
        lambda high, rest: high << 32 | rest, st.sampled_from([0, 0xFFFF, 0xFFFF0000, 0x64FF9B << 64]), near
    ),
)


@given(st.one_of(v4, near))
def test_ipv4_is_special_exactly_where_the_registry_says(bits: int) -> None:
    assert bool(special(IPv4Address(bits))) == forbidden_v4(bits)


@given(v6)
@example(0)
@example(1)
@example(0x64FF9B << 96 | 0x08080808)
def test_ipv6_is_special_exactly_where_the_registry_says(bits: int) -> None:
    assert bool(special(IPv6Address(bits))) == forbidden_v6(bits)


@given(st.one_of(v4, near))
def test_python_finds_no_private_address_that_we_do_not(bits: int) -> None:
    # ipaddress leaves 192.88.99.0/24 and Azure's host out; what it does refuse must be refused.
    if not IPv4Address(bits).is_global:
        assert special(IPv4Address(bits))


@given(st.one_of(v4, near))
def test_a_form_of_an_ipv4_address_is_what_that_is(bits: int) -> None:
    inner = IPv4Address(bits)
    mapped = IPv6Address(0xFFFF << 32 | bits)
    nat64 = IPv6Address(0x64FF9B << 96 | bits)
    assert plain(mapped) == inner
    assert special(mapped) == special(nat64) == special(inner)
    teredo = IPv6Address(0x20010000 << 96 | bits << 64 | bits ^ 0xFFFFFFFF)
    for form in (mapped, nat64, teredo, IPv6Address(0x2002 << 112 | bits << 80), IPv6Address(bits)):
        assert set(carried(form)) == {inner}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("127.0.0.1", "a loopback address"),
        ("::1", "a loopback address"),
        ("0.0.0.0", "an unspecified address"),
        ("::", "an unspecified address"),
        ("10.0.0.1", "a private address"),
        ("100.64.0.1", "a carrier's shared address"),
        ("169.254.1.1", "a link-local address"),
        ("fe80::1", "a link-local address"),
        ("fd12::1", "a unique local address"),
        ("224.0.0.1", "a multicast address"),
        ("198.18.0.1", "a benchmarking address"),
        ("2001:db8::1", "a documentation address"),
        ("64:ff9b::a9fe:a9fe", "a cloud metadata address"),
        ("8.8.8.8", ""),
        ("2606:4700::1111", ""),
        ("64:ff9b::808:808", ""),
        *((text, "a cloud metadata address") for text in METADATA),
    ],
)
def test_each_kind_has_its_name(text: str, kind: str) -> None:
    assert special(ip_address(text)) == kind
