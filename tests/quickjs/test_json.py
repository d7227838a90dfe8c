"""JSON in and out of a call, by the shorter ways that the guest takes: nothing is rounded, escaped or cut another way."""

from __future__ import annotations

import json
import struct
from typing import Any

from hypothesis import given, settings, strategies as st
from tests.javascript import Scripts, call_of

# The bits of what was parsed, so that -0 is told from 0, and a last bit from its neighbour.
BITS = """
function onTrack(event) {
  const { buffer } = Float64Array.from(event.texts, JSON.parse);
  return Array.from(new BigUint64Array(buffer), String);
}
"""
DIGITS = st.integers(0, 10**17).map(str)
NUMBERS = st.one_of(
    st.builds(
        "{}{}.{}".format, st.sampled_from(["", "-"]), DIGITS, st.text("0123456789", min_size=1, max_size=20)
    ),
    st.builds("{}{}".format, st.sampled_from(["", "-"]), DIGITS),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
EDGES = [
    "0", "-0", "0.0", "-0.0", "-0.000", "1.0", "0.1", "0.3", "2147483647", "2147483648", "-2147483647", "-2147483648",
    "999999999999999", "-999999999999999", "9007199254740993", "0.000000000000001", "0.00000000000001", "1e5", "1E-7",
    "9.5", "123456789.123456", "123456789012345.6", "5e-324", "1.7976931348623157e308", "1e400",
]  # fmt: skip


def bits(text: str) -> str:
    return str(int.from_bytes(struct.pack("<d", float(text)), "little"))


async def test_numbers_at_the_edges_are_those_that_python_reads(scripts: Scripts) -> None:
    script = await scripts(BITS)
    assert await script.value(call_of({"texts": EDGES})) == [bits(text) for text in EDGES]


@settings(max_examples=20, deadline=None)
@given(st.lists(NUMBERS, min_size=50, max_size=100))
async def test_numbers_are_those_that_python_reads(scripts: Scripts, texts: list[str]) -> None:
    script = await scripts.once(BITS)
    assert await script.value(call_of({"texts": texts})) == [bits(text) for text in texts]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(st.characters(max_codepoint=0x7F), max_size=50),
            st.text(st.characters(max_codepoint=0xFF), max_size=50),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
            st.text('"\\/\b\f\n\r\t\0\x1f\x7fé€𝄞a', max_size=50),
        ),
        min_size=30,
        max_size=60,
    )
)
async def test_texts_come_back_as_they_went_in(scripts: Scripts, texts: list[str]) -> None:
    """As values, as keys, and as JSON within JSON."""
    script = await scripts.once(
        "function onTrack({ texts }) { return [texts, Object.fromEntries(texts.map((t) => ['k' + t, t])), JSON.stringify(texts)] }"
    )
    answer: Any = await script.value(call_of({"texts": texts}))
    values, keyed, within = answer
    assert values == texts
    assert keyed == {f"k{text}": text for text in texts}
    assert json.loads(within) == texts


async def test_what_needs_an_escape_is_written_as_node_writes_it(scripts: Scripts) -> None:
    script = await scripts(r"""function onTrack() {
        return JSON.stringify(['plain', '"', '\\', 'a"b\\c', '\b\f\n\r\t', '\0\x1f\x7f\x80\xff', '€\u2028', '\ud834\udd1e', '', '\u00e9"'])
    }""")
    assert await script.value() == (
        r'["plain","\"","\\","a\"b\\c","\b\f\n\r\t","\u0000\u001f'
        "\x7f\x80\xff"
        '","€\u2028","𝄞","","é'
        '\\""]'
    )
