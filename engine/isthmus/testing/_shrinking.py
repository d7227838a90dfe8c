"""A case made smaller, one thing at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from isthmus._rules.jsontext import fields_of

from ._nearly import paths_of
from .cases import Case

__all__ = ["smaller_cases"]


def smaller_cases(case: Case) -> Iterator[Case]:
    """The case with less in its event or its batch: without one thing, the largest first, or with a smaller one."""
    if case.events is not None:
        whole: Any = [fields_of(bytes(event)) for event in case.events]
    elif bytes(case.event):
        whole = fields_of(bytes(case.event))
    else:
        return
    for path in sorted(paths_of(whole), key=len):
        for change in _LESS:
            less = copy.deepcopy(whole)
            parent = less
            for key in path[:-1]:
                parent = parent[key]
            if not change(parent, path[-1]):
                continue
            if isinstance(less, dict):
                yield msgspec.structs.replace(case, event=_raw(less))
            elif less and all(isinstance(event, dict) for event in less):
                yield msgspec.structs.replace(case, events=[_raw(event) for event in less])


def _without(parent: Any, key: Any) -> bool:
    del parent[key]
    return True


def _emptied(parent: Any, key: Any) -> bool:
    plain = type(parent[key])() if parent[key] is not None else None
    changes = len(msgspec.json.encode(plain)) < len(msgspec.json.encode(parent[key]))
    parent[key] = plain
    return changes


def _halved(parent: Any, key: Any) -> bool:
    value = parent[key]
    if not isinstance(value, str | list) or len(value) < 2:
        return False
    parent[key] = value[: len(value) // 2]
    return True


_LESS: Final = (_without, _emptied, _halved)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
