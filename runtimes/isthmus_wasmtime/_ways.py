"""The ways in: what kind of guest a module is, by what it imports and exports, and which handlers it has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, final

import msgspec

from isthmus.errors import LoadError

from ._kernel import OFFERS
from ._pieces import section, string
from ._shape import SECTION, Shape

__all__ = [
    "EVERY_HANDLER",
    "Way",
    "declared_handlers",
    "known_handlers",
    "listed",
    "recognise",
    "with_handlers",
]

EVERY_HANDLER: Final = (
    "onIdentify", "onTrack", "onPage", "onScreen", "onGroup", "onAlias", "onDelete", "onBatch", "onRequest",
)  # fmt: skip
MOST_NAMES: Final = 50
LONGEST_NAME: Final = 200
"""What of a stranger's names goes into an error: so many, of so many characters."""
START: Final = "_start"
STARTS: Final = ("_initialize", "__wasm_call_ctors")
"""What a module without ``_start`` wants called before anything else; the first of them that it has."""


@final
class Way(msgspec.Struct, frozen=True):
    """How a module is run.

    Attributes:
        name: ``command``, ``reactor`` or ``plugin``.
        entries: the export that runs, by handler.
        starts: exports that each world calls first.
    """

    name: str
    entries: dict[str, str]
    starts: tuple[str, ...] = ()


def with_handlers(module: bytes, handlers: Mapping[str, str]) -> bytes:
    """A module that says itself which of its exports are which handlers.

    For an Extism plug-in whose exports are named otherwise: ``with_handlers(wasm, {"onTrack": "count_vowels"})``.

    Args:
        module: the binary of a core module.
        handlers: names of exports, by handler.
    """
    return module + section(0, string(SECTION) + msgspec.json.encode(dict(handlers)))


def recognise(shape: Shape, file: str, handlers: Mapping[str, str] | None = None) -> Way:
    """Say how a module is to be run.

    Args:
        shape: of the module.
        file: the name that errors give it.
        handlers: which exports are which handlers, where somebody has said so from outside.

    Raises:
        LoadError: it is of no kind that is run here, or asks for what is not given.
    """
    _refuse_strangers(shape, file)
    if len(shape.memories) > 1:
        raise LoadError(f"it defines {len(shape.memories)} memories, and a world has one", file=file)
    functions = shape.exported("func")
    given = dict(handlers) if handlers else declared_handlers(shape.declared, file)
    starts = next(((name,) for name in STARTS if name in functions), ())
    if any(each.module.startswith("extism:") for each in shape.imports):
        return Way("plugin", _exported_entries(functions, given, file), starts)
    if START in functions:
        if "memory" not in shape.exported("memory"):
            raise LoadError("a WASI command exports its memory as 'memory'; this one does not", file=file)
        return Way("command", dict.fromkeys(given or EVERY_HANDLER, START))
    if given or _named(functions):
        return Way("reactor", _exported_entries(functions, given, file), starts)
    raise LoadError(
        "it is neither a WASI command (it exports no _start), nor a reactor (none of its exports is named as a "
        "handler: onTrack or on_track, ...), nor an Extism plug-in (it imports nothing of extism:host/env); "
        f"it exports {listed(functions) or 'no function'}",
        file=file,
    )


def _refuse_strangers(shape: Shape, file: str) -> None:
    strangers = sorted(
        {
            f"{each.module}.{each.name}" + ("" if each.kind == "func" else f" ({each.kind})")
            for each in shape.imports
            if each.kind != "func" or each.name not in OFFERS.get(each.module, {})
        }
    )
    if strangers:
        raise LoadError(
            f"it imports what a world does not offer: {listed(strangers)}; offered are " + ", ".join(OFFERS),
            file=file,
        )


def declared_handlers(text: bytes | None, file: str) -> dict[str, str]:
    """What a guest's section says of its handlers: exports by handler; each under its own name where it names no export.

    Raises:
        LoadError: it is neither an object nor an array.
    """
    if text is None:
        return {}
    try:
        declared = msgspec.json.decode(text, type=dict[str, str] | list[str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LoadError(
            f"its section {SECTION} is neither a JSON object of strings nor an array of them: {error}",
            file=file,
        ) from None
    return declared if isinstance(declared, dict) else {name: name for name in declared}


def _exported_entries(functions: Mapping[str, int], given: dict[str, str], file: str) -> dict[str, str]:
    if missing := sorted(set(given.values()) - set(functions)):
        raise LoadError(
            f"a handler is to be the export {missing[0]!r}, which it has not; it exports {listed(functions)}",
            file=file,
        )
    entries = given or _named(functions)
    known_handlers(entries, file)
    if not entries:
        raise LoadError(
            "none of its exports is named as a handler (onTrack or on_track, onBatch or on_batch, ...), and "
            f"nothing says which of them is one (section {SECTION}); it exports {listed(functions)}",
            file=file,
        )
    return entries


def _named(functions: Mapping[str, int]) -> dict[str, str]:
    return {
        handler: name for handler in EVERY_HANDLER for name in (handler, _snake(handler)) if name in functions
    }


def known_handlers(names: Iterable[str], file: str) -> None:
    """See that there are only names of handlers.

    Raises:
        LoadError: one of them is none.
    """
    unknown = sorted(set(names) - set(EVERY_HANDLER))
    if unknown:
        raise LoadError(f"there is no handler {unknown[0]!r}, but {', '.join(EVERY_HANDLER)}", file=file)


def _snake(handler: str) -> str:
    return re.sub("(?=[A-Z])", "_", handler).lower()


def listed(names: Collection[str]) -> str:
    """Names that a stranger has chosen, in one line of bounded length."""
    shown = ", ".join(_shown(name) for name in list(names)[:MOST_NAMES])
    return f"{shown} and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else shown


def _shown(name: str) -> str:
    plain = name if name.isprintable() else name.encode("unicode_escape").decode()
    return plain if len(plain) <= LONGEST_NAME else f"{plain[:LONGEST_NAME]}..."
