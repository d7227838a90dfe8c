"""Conditions on the fields of an event, as in Segment's destination filters.

    type = 'track' and properties.total >= 30 and !match(context.page.path, '/internal/*')

The language is a subset of Segment's Filter Query Language: paths, literals, ``= != < <= > >= in``, ``and or !``,
parentheses, and the functions ``contains``, ``match``, ``lowercase``, ``typeof``, ``length``, to which come lists of literals,
``sample``, and numbers in paths, which count the elements of a list.  A condition is compiled to nested functions; nothing
of it is ever code.  It cannot fail on an event: what is not there is null, and a comparison of what cannot be compared is false.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from isthmus.errors import EngineError

from .conditiontokens import CONDITION_LENGTH, Tokens
from .globs import Glob

__all__ = ["CONDITION_LENGTH", "Condition", "condition"]

Fields = Mapping[str, Any]
Term = Callable[[Fields], Any]
Condition = Callable[[Fields], bool]
"""Says whether the fields of an event, decoded, meet it."""

DEEPEST: Final = 32
"""Parentheses, calls and negations within each other."""


@lru_cache(maxsize=1024)
def condition(text: str) -> Condition:
    """Compile a condition.

    Raises:
        EngineError: it is none; the text says where and what was expected.
    """
    tokens = Tokens(text)
    term = _either(tokens, 0)
    tokens.end()
    return lambda fields: term(fields) is True


# ---------------------------------------------------------------- and, or, !


def _either(tokens: Tokens, depth: int) -> Term:
    terms = [_all(tokens, depth)]
    while tokens.take("word", "or"):
        terms.append(_all(tokens, depth))
    if len(terms) == 1:
        return terms[0]
    return lambda fields: any(term(fields) is True for term in terms)


def _all(tokens: Tokens, depth: int) -> Term:
    terms = [_negation(tokens, depth)]
    while tokens.take("word", "and"):
        terms.append(_negation(tokens, depth))
    if len(terms) == 1:
        return terms[0]
    return lambda fields: all(term(fields) is True for term in terms)


def _negation(tokens: Tokens, depth: int) -> Term:
    if depth > DEEPEST:
        raise tokens.wrong(f"at most {DEEPEST} levels within each other")
    if tokens.take("sign", "!"):
        negated = _negation(tokens, depth + 1)
        return lambda fields: negated(fields) is not True
    return _comparison(tokens, depth)


# ---------------------------------------------------------------- comparisons


def _comparison(tokens: Tokens, depth: int) -> Term:
    left = _term(tokens, depth)
    compare = _COMPARISONS.get(tokens.text) if tokens.kind in {"sign", "word"} else None
    if compare is None:
        return left
    tokens.next()
    right = _term(tokens, depth)
    return lambda fields: compare(left(fields), right(fields))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: object, right: object) -> bool:
    """Equal scalars of one kind; lists and objects equal nothing."""
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    both_text = isinstance(left, str) and isinstance(right, str)
    return (both_text or (_is_number(left) and _is_number(right))) and left == right


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def comparison(left: object, right: object) -> bool:
        both_text = isinstance(left, str) and isinstance(right, str)
        return (both_text or (_is_number(left) and _is_number(right))) and compare(left, right)

    return comparison


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "in": lambda left, right: isinstance(right, list) and any(_equal(left, each) for each in right),
}


# ---------------------------------------------------------------- terms


def _term(tokens: Tokens, depth: int) -> Term:
    if tokens.take("sign", "("):
        if depth >= DEEPEST:
            raise tokens.wrong(f"at most {DEEPEST} levels within each other")
        inner = _either(tokens, depth + 1)
        tokens.expect(")")
        return inner
    if tokens.take("sign", "["):
        values: list[object] = []
        while not tokens.take("sign", "]"):
            if values:
                tokens.expect(",")
            values.append(tokens.literal())
        return lambda _: values
    if tokens.kind == "path":
        if tokens.is_call():
            return _call(tokens, depth + 1)
        return _at(tokens.path())
    value = tokens.literal()
    return lambda _: value


def _at(parts: Sequence[str]) -> Term:
    def look(fields: Fields) -> object:
        value: Any = fields
        for part in parts:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and part.isascii() and part.isdigit() and len(part) < 10:
                value = value[int(part)] if int(part) < len(value) else None
            else:
                return None
        return value

    return look


def _call(tokens: Tokens, depth: int) -> Term:
    if depth > DEEPEST:
        raise tokens.wrong(f"at most {DEEPEST} levels within each other")
    name = tokens.call()
    if name not in _FUNCTIONS:
        raise tokens.wrong(f"one of the functions {', '.join(_FUNCTIONS)}, not {name}")
    made = _FUNCTIONS[name](tokens, depth)
    tokens.expect(")")
    return made


def _contains(tokens: Tokens, depth: int) -> Term:
    text = _term(tokens, depth)
    tokens.expect(",")
    part = _term(tokens, depth)

    def contains(fields: Fields) -> bool:
        where, what = text(fields), part(fields)
        return isinstance(where, str) and isinstance(what, str) and what in where

    return contains


def _match(tokens: Tokens, depth: int) -> Term:
    text = _term(tokens, depth)
    tokens.expect(",")
    pattern = tokens.literal()
    if not isinstance(pattern, str):
        raise tokens.wrong("a pattern in quotes")
    try:
        glob = Glob(pattern)
    except ValueError as exc:
        raise EngineError(f"the condition is none: {exc}") from None

    def match(fields: Fields) -> bool:
        value = text(fields)
        return isinstance(value, str) and glob.matches(value)

    return match


def _lowercase(tokens: Tokens, depth: int) -> Term:
    text = _term(tokens, depth)

    def lowercase(fields: Fields) -> object:
        value = text(fields)
        return value.lower() if isinstance(value, str) else None

    return lowercase


_TYPES: Final = {str: "string", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}


def _typeof(tokens: Tokens, depth: int) -> Term:
    of = _term(tokens, depth)
    return lambda fields: _TYPES.get(type(of(fields)), "null")


def _length(tokens: Tokens, depth: int) -> Term:
    of = _term(tokens, depth)

    def length(fields: Fields) -> object:
        value = of(fields)
        return len(value) if isinstance(value, str | list) else None

    return length


def _sample(tokens: Tokens, depth: int) -> Term:
    """A share of all events, the same ones on every machine and for every destination."""
    share = tokens.literal()
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 1:
        raise tokens.wrong("a share from 0 to 1")
    by = _term(tokens, depth) if tokens.take("sign", ",") else _at(["messageId"])
    limit = share * 2**32

    def sample(fields: Fields) -> bool:
        value = by(fields)
        if value is None or isinstance(value, list | dict):
            value = fields.get("messageId")
        return zlib.crc32(str(value).encode("utf-8", "surrogatepass")) < limit

    return sample


_FUNCTIONS: Final[Mapping[str, Callable[[Tokens, int], Term]]] = {
    "contains": _contains,
    "match": _match,
    "lowercase": _lowercase,
    "typeof": _typeof,
    "length": _length,
    "sample": _sample,
}
