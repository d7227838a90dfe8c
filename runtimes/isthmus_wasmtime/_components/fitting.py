"""What a component asks for and offers, held against the WIT that a world gives."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, final

import msgspec
import wasmtime
from wasmtime import component as wc

from isthmus.errors import LoadError
from isthmus_wasmtime._ways import listed

from .native import count_of
from .types import (
    Borrow,
    Enum,
    Flags,
    Function,
    Interface,
    List,
    Option,
    Own,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
)
from .wit import parse

__all__ = ["HANDLERS", "RUN", "Asked", "given", "offered", "wanted"]

HANDLERS: Final = "isthmus:function/handlers"
RUN: Final = "wasi:cli/run"
NAME: Final = re.compile(r"([^@]+)@(\d+)\.(\d+)\.\d+")
CLOSED: Final = frozenset(
    {
        "wasi:cli/terminal-input#terminal-input",
        "wasi:cli/terminal-output#terminal-output",
        "wasi:filesystem/types#descriptor",
        "wasi:filesystem/types#directory-entry-stream",
        "wasi:http/types#incoming-request",
        "wasi:http/types#response-outparam",
        "wasi:sockets/ip-name-lookup#resolve-address-stream",
        "wasi:sockets/tcp#tcp-socket",
        "wasi:sockets/udp#incoming-datagram-stream",
        "wasi:sockets/udp#outgoing-datagram-stream",
        "wasi:sockets/udp#udp-socket",
    }
)
"""Resources that may be named, and of which nobody gets a handle."""
MOST_STRANGERS: Final = 100
"""What is not given, after so many of which no more is looked for."""
MOST_IMPORTS: Final = 2000
"""Functions and types that a component may ask for."""
SIMPLE: Final = {
    wc.Bool: "bool", wc.S8: "s8", wc.S16: "s16", wc.S32: "s32", wc.S64: "s64", wc.U8: "u8", wc.U16: "u16",
    wc.U32: "u32", wc.U64: "u64", wc.F32: "f32", wc.F64: "f64", wc.Char: "char", wc.String: "string",
}  # fmt: skip


@final
class Asked(msgspec.Struct, frozen=True):
    """An interface that a component imports.

    Attributes:
        name: as the component has it, with its version.
        resources: their names here, and which resource each is; what nobody knows is one of its own.
        functions: their names, and what each is; None for what nobody can call, as it takes a handle nobody gives.
    """

    name: str
    resources: dict[str, str]
    functions: dict[str, Function | None]


@lru_cache(maxsize=1)
def given() -> dict[str, Interface]:
    """All interfaces that a component may import or export, by name."""
    here = Path(__file__).parent
    texts = (here / "wasi.wit", here.parent / "wit" / "function.wit")
    return {name: each for path in texts for name, each in parse(path.read_text("utf-8")).items()}


def wanted(component: wc.Component, engine: wasmtime.Engine, file: str) -> list[Asked]:
    """What a component imports.

    Raises:
        LoadError: it wants what a world does not give; the message lists all of that.
    """
    known: list[tuple[wc.ResourceType, str]] = []
    asked: list[Asked] = []
    strangers: list[str] = []
    for name, item in _listed(component.type, "imports", engine, file):
        if len(strangers) > MOST_STRANGERS:
            break
        interface = _known(name)
        if interface is None or not isinstance(item, wc.ComponentInstanceType):
            strangers.append(name)
            continue
        found = Asked(name, {}, {})
        parts = _listed(item, "exports", engine, file)
        for part, kind in parts:
            if isinstance(kind, wc.ResourceType):
                found.resources[part] = _identity(kind, known, interface, part)
        for part, kind in parts:
            if isinstance(kind, wc.FuncType):
                declared = interface.functions.get(part)
                if declared is None and not _closed(part, interface):
                    strangers.append(f"{name}.{part}")
                elif declared is not None and not _is_function(kind, declared, known):
                    strangers.append(f"{name}.{part} (of another type)")
                found.functions[part] = declared
        asked.append(found)
    if strangers:
        raise LoadError(
            f"it imports what a world does not offer: {listed(sorted(strangers))}; offered are "
            + ", ".join(sorted(f"{each.name}@{each.version}" for each in given().values() if _offers(each))),
            file=file,
        )
    return asked


def offered(component: wc.Component, engine: wasmtime.Engine, file: str) -> tuple[str, str]:
    """Which of the two interfaces that can be run a component exports: its name, and that with its version.

    Raises:
        LoadError: neither, or of another type.
    """
    exports = _listed(component.type, "exports", engine, file)
    for wish in (HANDLERS, RUN):
        for name, item in exports:
            interface = _known(name)
            if interface is None or interface.name != wish or not isinstance(item, wc.ComponentInstanceType):
                continue
            parts = dict(_listed(item, "exports", engine, file))
            for part, function in interface.functions.items():
                kind = parts.get(part)
                if not isinstance(kind, wc.FuncType) or not _is_function(kind, function, []):
                    raise LoadError(f"it exports {name} without {part}, or as another type", file=file)
            return wish, name
    raise LoadError(
        f"it is a component that exports neither {HANDLERS}@{given()[HANDLERS].version} (world isthmus:function/function) nor "
        f"{RUN}@{given()[RUN].version} (a command), but {listed([name for name, _ in exports]) or 'nothing'}",
        file=file,
    )


def _offers(interface: Interface) -> bool:
    return interface.name not in {HANDLERS, RUN} and bool(interface.functions)


def _known(name: str) -> Interface | None:
    """The interface of a name, if its version is one that fits."""
    parts = NAME.fullmatch(name)
    interface = None if parts is None else given().get(parts[1])
    if parts is None or interface is None:
        return None
    return interface if interface.version.startswith(f"{parts[2]}.{parts[3]}.") else None


def _closed(name: str, interface: Interface) -> bool:
    """Whether a function belongs to a resource that nobody gets a handle of, and so is never called."""
    method = re.match(r"\[(?:method|static)\]([^.]+)\.", name)
    return method is not None and interface.resources.get(method[1]) in CLOSED


def _listed(
    of: wc.ComponentType | wc.ComponentInstanceType, what: str, engine: wasmtime.Engine, file: str
) -> list[tuple[str, Any]]:
    """Names and what they are, of a component's or an instance's ``imports`` or ``exports``.

    What wasmtime-py has no word for is None.
    """
    if (count := count_of(of, what, engine)) > MOST_IMPORTS:
        raise LoadError(f"it names {count} things in one place, more than {MOST_IMPORTS}", file=file)
    listed = []
    for name, each in getattr(of, what)(engine).items():
        try:
            listed.append((name, each.ty))
        except TypeError:
            listed.append((name, None))
    return listed


def _identity(
    kind: wc.ResourceType, known: list[tuple[wc.ResourceType, str]], interface: Interface, name: str
) -> str:
    for other, identity in known:
        if kind == other:
            return identity
    identity = interface.resources.get(name, f"{interface.name}#{name}")
    known.append((kind, identity))
    return identity


# -- types: walked along with what is expected, so that no type of a stranger's is walked for longer


def _is_function(kind: wc.FuncType, expected: Function, known: list[tuple[wc.ResourceType, str]]) -> bool:
    try:
        parameters, result = kind.params, kind.result
    except TypeError:  # a type that wasmtime-py has no word for
        return False
    if [name for name, _ in parameters] != [name for name, _ in expected.parameters]:
        return False
    return _is_maybe(result, expected.result, known) and all(
        _is(each, wish, known) for (_, each), (_, wish) in zip(parameters, expected.parameters, strict=True)
    )


def _is_maybe(kind: Any, expected: Type | None, known: list[tuple[wc.ResourceType, str]]) -> bool:
    return (kind is None) == (expected is None) and (expected is None or _is(kind, expected, known))


def _is(kind: Any, expected: Type, known: list[tuple[wc.ResourceType, str]]) -> bool:
    try:
        return _matches(kind, expected, known)
    except TypeError:  # as above
        return False


def _matches(kind: Any, expected: Type, known: list[tuple[wc.ResourceType, str]]) -> bool:
    match expected:
        case Primitive(name):
            return SIMPLE.get(type(kind)) == name
        case List(element):
            return isinstance(kind, wc.ListType) and _is(kind.element, element, known)
        case Option(payload):
            return isinstance(kind, wc.OptionType) and _is(kind.payload, payload, known)
        case Result(ok, err):
            return (
                isinstance(kind, wc.ResultType)
                and _is_maybe(kind.ok, ok, known)
                and _is_maybe(kind.err, err, known)
            )
        case Tuple(elements):
            return isinstance(kind, wc.TupleType) and _are(
                [(str(index), each) for index, each in enumerate(kind.elements)],
                [(str(index), each) for index, each in enumerate(elements)],
                known,
            )
        case Record(fields):
            return isinstance(kind, wc.RecordType) and _are(kind.fields, fields, known)
        case Variant(cases):
            return isinstance(kind, wc.VariantType) and _are(kind.cases, cases, known)
        case Enum(names):
            return isinstance(kind, wc.EnumType) and tuple(kind.names) == names
        case Flags(names):
            return isinstance(kind, wc.FlagsType) and tuple(kind.names) == names
        case Own(resource):
            return isinstance(kind, wc.OwnType) and _is_resource(kind.ty, resource, known)
        case Borrow(resource):
            return isinstance(kind, wc.BorrowType) and _is_resource(kind.ty, resource, known)


def _are(kinds: Any, expected: Any, known: list[tuple[wc.ResourceType, str]]) -> bool:
    return [name for name, _ in kinds] == [name for name, _ in expected] and all(
        _is_maybe(kind, wish, known) for (_, kind), (_, wish) in zip(kinds, expected, strict=True)
    )


def _is_resource(kind: wc.ResourceType, resource: str, known: list[tuple[wc.ResourceType, str]]) -> bool:
    return any(kind == other and identity == resource for other, identity in known)
