"""wasi:http's fields: headers as a component makes them and reads them."""

from __future__ import annotations

import re
from typing import Any, Final, final

from .offers import gives
from .world import ComponentWorld

__all__ = ["ERR", "NAME", "OK", "TYPES", "Fields"]

TYPES: Final = "wasi:http/types"
NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
FORBIDDEN: Final = frozenset(
    [
        "connection", "host", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "transfer-encoding", "upgrade",
    ]
)  # fmt: skip
"""Headers that belong to the connection, and so to the host."""
MOST_FIELDS: Final = 256 * 1024
"""Bytes of headers that a component keeps in one place."""
OK: Final = ("ok", None)
ERR: Final = ("err", None)


@final
class Fields:
    """Headers, in order.

    What is changed is a new list, so that others may share the one there was: a component that had ten thousand copies of
    large headers would have gigabytes of its host's memory.
    """

    def __init__(self, entries: list[tuple[str, bytes]] | None = None, *, fixed: bool = False) -> None:
        self.entries = entries or []
        self.fixed = fixed

    def change(self, entries: list[tuple[str, bytes]]) -> tuple[str, Any]:
        """Have other entries, if these are such as may be."""
        if self.fixed:
            return "err", ("immutable", None)
        for name, value in entries:
            if not NAME.fullmatch(name) or any(byte in value for byte in b"\0\r\n"):
                return "err", ("invalid-syntax", None)
            if name.lower() in FORBIDDEN:
                return "err", ("forbidden", None)
        if sum(len(name) + len(value) for name, value in entries) > MOST_FIELDS:
            raise ValueError(f"headers of more than {MOST_FIELDS} bytes were set")
        self.entries = entries
        return OK

    def without(self, name: str) -> list[tuple[str, bytes]]:
        """The entries of other names."""
        return [each for each in self.entries if each[0].lower() != name.lower()]


@gives(TYPES, "[constructor]fields")
def new_fields(_world: ComponentWorld) -> Fields:
    return Fields()


@gives(TYPES, "[static]fields.from-list")
def fields_of(_world: ComponentWorld, entries: list[list[Any]]) -> tuple[str, Any]:
    made = Fields()
    answer = made.change([(name, value) for name, value in entries])
    return ("ok", made) if answer is OK else answer


@gives(TYPES, "[method]fields.get")
def get_field(_world: ComponentWorld, fields: Fields, name: str) -> list[bytes]:
    return [value for key, value in fields.entries if key.lower() == name.lower()]


@gives(TYPES, "[method]fields.has")
def has_field(world: ComponentWorld, fields: Fields, name: str) -> bool:
    return bool(get_field(world, fields, name))


@gives(TYPES, "[method]fields.set")
def set_field(_world: ComponentWorld, fields: Fields, name: str, values: list[bytes]) -> tuple[str, Any]:
    return fields.change([*fields.without(name), *((name, value) for value in values)])


@gives(TYPES, "[method]fields.delete")
def delete_field(_world: ComponentWorld, fields: Fields, name: str) -> tuple[str, Any]:
    return fields.change(fields.without(name))


@gives(TYPES, "[method]fields.append")
def append_field(_world: ComponentWorld, fields: Fields, name: str, value: bytes) -> tuple[str, Any]:
    return fields.change([*fields.entries, (name, value)])


@gives(TYPES, "[method]fields.entries")
def field_entries(_world: ComponentWorld, fields: Fields) -> list[tuple[str, bytes]]:
    return fields.entries


@gives(TYPES, "[method]fields.clone")
def clone_fields(_world: ComponentWorld, fields: Fields) -> Fields:
    return Fields(fields.entries)
