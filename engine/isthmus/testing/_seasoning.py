"""Events that lead into a function's branches: made of the words that its own code is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import msgspec
from hypothesis import strategies as st

__all__ = ["Words", "seasoned", "words_of"]

_LITERAL: Final = re.compile(r"""(["'`])((?:(?!\1)[^\\\n]){1,60})\1""")
_MEMBER: Final = re.compile(r"""(?:\.|\[["'])([A-Za-z_$][\w$]{1,40})|\{\s*([A-Za-z_$][\w$, ]{1,200})\}\s*=""")
_COMPARED: Final = re.compile(r"""(?:\bcase\s+|[=!]==?\s*)(["'])((?:(?!\1)[^\\\n]){1,60})\1""")
_MOST: Final = 200
_BAGS: Final[Mapping[str, str]] = {"identify": "traits", "group": "traits"}


@final
class Words(msgspec.Struct, frozen=True):
    """What code speaks of.

    Attributes:
        texts: its literals.
        names: of what it looks at.
        compared: those literals that something is compared with.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...]
    compared: tuple[str, ...] = ()


def words_of(code: str | bytes) -> Words:
    """Find the literals and the names of fields in a function's code; none in that of a compiled module."""
    if isinstance(code, bytes):
        return Words((), ())
    texts = dict.fromkeys(match[2] for match in _LITERAL.finditer(code))
    names: dict[str, None] = {}
    for match in _MEMBER.finditer(code):
        names |= dict.fromkeys([match[1]] if match[1] else re.findall(r"[A-Za-z_$][\w$]*", match[2]))
    compared = dict.fromkeys(match[2] for match in _COMPARED.finditer(code))
    return Words(tuple(texts)[:_MOST], tuple(names)[:_MOST], tuple(compared)[:_MOST])


@st.composite
def seasoned(
    draw: st.DrawFn,
    strategy: st.SearchStrategy[dict[str, Any]],
    words: Words,
    samples: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Draw events with a function's own words in them, and at times one of its samples.

    Args:
        draw: given by Hypothesis.
        strategy: of events.
        words: of the function.
        samples: events that it is known to take, of the types that the strategy draws.
    """
    chosen = draw(st.sampled_from(samples) | strategy) if samples else draw(strategy)
    event = dict(chosen)
    if event.get("type") == "track" and words.texts and draw(st.integers(0, 3)):
        event["event"] = draw(st.sampled_from(words.compared or words.texts))
    if words.names and (fields := draw(st.lists(st.sampled_from(words.names), max_size=4))):
        texts = st.sampled_from(words.texts) if words.texts else st.text(max_size=5)
        value: st.SearchStrategy[Any] = (
            st.integers(-100, 100) | texts | st.booleans() | st.lists(st.just({}), max_size=2)
        )
        bag = _BAGS.get(str(event.get("type")), "properties")
        given = event.get(bag)
        event[bag] = {**(given if isinstance(given, dict) else {}), **{name: draw(value) for name in fields}}
    return event
