"""Nearly valid input: what is valid, with one to three things about it not as they should be."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st

from isthmus.events import Request

__all__ = ["nearly", "nearly_requests", "paths_of"]

ODD_KEYS = (
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "length",
    "__class__",
    "",
    "$ref",
    "a.b",
    "\x00",
)

ODD_TEXTS = (
    "",
    " ",
    "null",
    "undefined",
    "NaN",
    "true",
    "0",
    "-1",
    "1e400",
    "\x00",
    "\ufeff",
    "\u2028",
    "\u202e",
    "e\u0301",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u0130",
    "\ufb03",
    "'; DROP TABLE users; --",
    "<script>",
    "${7*7}",
    "%00",
    "../../etc/passwd",
    "2026-02-30T25:61:00Z",
)

EDGES = (0, -0.0, -1, 2**31, 2**53, 2**53 + 1, -(2**63), 2**64, 1e308, -1e308, 5e-324, 0.1 + 0.2)

_odd: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.sampled_from(EDGES)
    | st.sampled_from(ODD_TEXTS)
    | st.builds(list)  # not just([]): what is drawn may be changed again
    | st.builds(dict)
    | st.lists(st.none() | st.sampled_from(ODD_TEXTS), max_size=2)
    | st.dictionaries(st.sampled_from(ODD_KEYS), st.none() | st.sampled_from(EDGES), max_size=2)
)

_huge = st.sampled_from([1_000, 20_000]).map("x".__mul__) | st.sampled_from([100, 2_000]).map(
    lambda n: [0] * n
)

Path = tuple[str | int, ...]


def paths_of(value: object, path: Path = ()) -> list[Path]:
    """Where there is something within a value, in its order."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [found for key, item in inner for found in [(*path, key), *paths_of(item, (*path, key))]]


def _parent(value: Any, path: Path) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


@st.composite
def nearly(
    draw: st.DrawFn, strategy: st.SearchStrategy[Any], *, most: int = 3, around: Collection[str] = ()
) -> Any:
    """Draw what another strategy draws, with one to ``most`` things about it changed.

    A field is dropped, or of another type, or empty, or at the edge of what its type holds, or huge; a text has odd
    Unicode; a key is there that languages know (``__proto__``, ``constructor``).  JSON can hold all of it.

    Args:
        draw: given by Hypothesis.
        strategy: of mappings or lists that JSON can hold.
        most: changes at the most.
        around: names of fields that are changed more often than others, such as those that a function looks at.
    """
    value = copy.deepcopy(draw(strategy))
    for _ in range(draw(st.integers(1, most))):
        paths = paths_of(value)
        # What lies deep is most of what there is, and seldom what is looked at.
        chosen = [path for path in paths if (path[-1] in around if around else len(path) <= 2)]
        narrow: bool = draw(st.booleans())
        if chosen and narrow:
            paths = chosen
        change = draw(st.sampled_from(["drop", "replace", "add", "huge"]))
        if change == "add" or not paths:
            objects = [(), *(path for path in paths if isinstance(_at(value, path), dict))]
            at = draw(st.sampled_from(objects))
            if isinstance(target := _at(value, at), dict):
                target[draw(st.sampled_from(ODD_KEYS))] = draw(_odd)
            continue
        path = draw(st.sampled_from(paths))
        parent = _parent(value, path)
        if change == "drop":
            del parent[path[-1]]
        else:
            parent[path[-1]] = draw(_odd if change == "replace" else _huge)
    return value


def _at(value: Any, path: Path) -> Any:
    return _parent(value, path)[path[-1]] if path else value


@st.composite
def nearly_requests(draw: st.DrawFn, strategy: st.SearchStrategy[Request]) -> Request:
    """Draw webhooks that are not quite as they should be: cut, of another type than their headers say, or with odd headers.

    Args:
        draw: given by Hypothesis.
        strategy: of requests.
    """
    request = draw(strategy)
    headers = list(request.headers)
    body = request.body
    match draw(
        st.sampled_from(["as it is", "cut", "bytes", "empty", "type", "no headers", "odd headers", "value"])
    ):
        case "cut":
            body = body[: draw(st.integers(0, len(body)))]
        case "bytes":
            body = draw(
                st.sampled_from([b"\xff\xfe", b"\x00", b"\xef\xbb\xbf" + body, body + b"\xed\xa0\x80"])
            )
        case "empty":
            body = b""
        case "type":
            kinds = [
                "text/plain",
                "application/x-www-form-urlencoded",
                "application/json; charset=utf-16",
                "multipart/form-data",
            ]
            headers = [("Content-Type", draw(st.sampled_from(kinds)))]
        case "no headers":
            headers = []
        case "odd headers":
            names = st.sampled_from(["X-Odd", "content-type", "__proto__", "X-" + "y" * 200])
            headers += draw(
                st.lists(
                    st.tuples(names, st.sampled_from(["", "é", "a, b", "x" * 4000])), min_size=1, max_size=3
                )
            )
        case "value":
            body = draw(st.sampled_from([b"null", b"[]", b"0", b'""', b"true", b"{}"]))
        case _:
            pass
    return Request(url=request.url, method=request.method, headers=tuple(headers), body=body)
