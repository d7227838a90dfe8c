"""The many ways to write an IPv4 address into a URL, as a Hypothesis strategy."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from hypothesis import strategies as st

_BASES: tuple[Callable[[int], str], ...] = (
    str,
    hex,
    lambda n: hex(n).upper(),
    lambda n: f"0{n:o}",
    lambda n: f"0x00{n:x}",
)


@st.composite
def spelled(draw: st.DrawFn, addresses: st.SearchStrategy[IPv4Address]) -> tuple[IPv4Address, str]:
    """An address, and a host that a browser takes for it."""
    address = draw(addresses)
    bits = int(address)
    if draw(st.booleans()):
        form = draw(
            st.sampled_from(
                [
                    f"[::ffff:{address}]",
                    f"[::FFFF:{bits >> 16:x}:{bits & 0xFFFF:x}]",
                    f"[0:0:0:0:0:ffff:{bits >> 16:04X}:{bits & 0xFFFF:04x}]",
                ]
            )
        )
        return address, form
    count = draw(st.integers(1, 4))  # the last of fewer than four numbers fills the rest
    octets = list(address.packed)
    numbers = [*octets[: count - 1], int.from_bytes(bytes(octets[count - 1 :]), "big")]
    text = ".".join(draw(st.sampled_from(_BASES))(number) for number in numbers)
    text += draw(st.sampled_from(["", "."]))
    disguise = draw(st.sampled_from(["", "percent", "fullwidth", "ideographic dot"]))
    if disguise == "percent":
        text = "".join(f"%{ord(char):02x}" for char in text)
    elif disguise == "fullwidth":
        text = "".join(chr(ord(char) + 0xFEE0) if char.isalnum() else char for char in text)
    elif disguise == "ideographic dot":
        text = text.replace(".", "\u3002")
    return address, text
