"""WIT read: the interfaces that a text declares, with every name resolved.

What the project's own texts need of the language is here: packages, interfaces with their types, resources
and functions.  Worlds are left out, and so are features, futures and streams.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

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

__all__ = ["parse"]

TOKEN: Final = re.compile(r"\s+|//[^\n]*|->|[a-zA-Z](?:-?[a-zA-Z0-9])*|\d+(?:\.\d+)+|[{}<>(),;:/@=_.]")
PRIMITIVES: Final = frozenset(
    ["bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "string"]
)

T = TypeVar("T")


def parse(text: str) -> dict[str, Interface]:
    """The interfaces of a text, by name; an interface, or a type that is no resource, comes after those that it uses.

    Raises:
        ValueError: it is not WIT, or of WIT what is not read here.
    """
    return _Reader(text).interfaces()


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"WIT cannot go on with {text[at : at + 20]!r}")
        at = found.end()
        if not found[0].isspace() and not found[0].startswith("//"):
            yield found[0]


class _Reader:
    def __init__(self, text: str) -> None:
        self._left = [*_tokens(text), ""]
        self._at = 0
        self._package = self._version = ""
        self._found: dict[str, Interface] = {}
        self._here = Interface(name="", version="", functions={}, resources={}, types={})

    # ------------------------------------------------------------ tokens

    def _next(self) -> str:
        self._at += 1
        return self._left[self._at - 1]

    def _skip(self, *expected: str) -> None:
        for token in expected:
            if (came := self._next()) != token:
                raise ValueError(f"WIT has {came!r} where {token!r} is expected")

    def _taken(self, token: str) -> bool:
        if self._left[self._at] == token:
            self._at += 1
            return True
        return False

    def _several(self, end: str, each: Callable[[], T]) -> tuple[T, ...]:
        """What stands between commas, up to ``end``."""
        found = []
        while not self._taken(end):
            found.append(each())
            if not self._taken(","):
                self._skip(end)
                break
        return tuple(found)

    # ------------------------------------------------------------ packages and interfaces

    def interfaces(self) -> dict[str, Interface]:
        while (word := self._next()) != "":
            if word == "package":
                self._in_package()
            elif word == "interface":
                self._interface()
            elif word == "world":
                while not self._taken("}"):
                    self._next()
            elif word != "}":
                raise ValueError(f"WIT has {word!r} where a package, an interface or a world is expected")
        return self._found

    def _in_package(self) -> None:
        self._package = self._next()
        self._skip(":")
        self._package += f":{self._next()}"
        self._skip("@")
        self._version = self._next()
        if not self._taken("{"):
            self._skip(";")

    def _interface(self) -> None:
        name = f"{self._package}/{self._next()}"
        self._here = Interface(name=name, version=self._version, functions={}, resources={}, types={})
        self._found[name] = self._here
        self._skip("{")
        self._announce_resources()
        while not self._taken("}"):
            self._item(self._next())

    def _announce_resources(self) -> None:
        """Name the resources of the interface that begins here: what comes before them may speak of them."""
        at, depth = self._at, 1
        while depth:
            word = self._left[at]
            depth += (word == "{") - (word == "}")
            if word == "resource":
                name = self._left[at + 1]
                self._here.resources[name] = f"{self._here.name}#{name}"
            at += 1

    def _item(self, word: str) -> None:
        if word == "use":
            self._use()
        elif word == "resource":
            self._resource(self._next())
        elif word == "type":
            name = self._next()
            self._skip("=")
            self._here.types[name] = self._type()
            self._skip(";")
        elif word in {"record", "variant", "enum", "flags"}:
            name = self._next()
            self._skip("{")
            self._here.types[name] = self._compound(word)
        else:
            self._skip(":", "func")
            self._here.functions[word] = self._signature()

    def _use(self) -> None:
        name = self._next()
        if self._taken(":"):
            name = f"{name}:{self._next()}"
            self._skip("/")
            name = f"{name}/{self._next()}"
            if self._taken("@"):
                self._next()
        else:
            name = f"{self._package}/{name}"
        self._skip(".", "{")
        used = self._found[name]
        for each in self._several("}", self._next):
            if each in used.resources:
                self._here.resources[each] = used.resources[each]
            else:
                self._here.types[each] = used.types[each]
        self._skip(";")

    # ------------------------------------------------------------ types

    def _compound(self, word: str) -> Type:
        if word == "record":
            return Record(self._several("}", self._named))
        if word == "variant":
            return Variant(self._several("}", self._case))
        names = self._several("}", self._next)
        return Enum(names) if word == "enum" else Flags(names)

    def _named(self) -> tuple[str, Type]:
        name = self._next()
        self._skip(":")
        return name, self._type()

    def _case(self) -> tuple[str, Type | None]:
        name = self._next()
        if not self._taken("("):
            return name, None
        payload = self._type()
        self._skip(")")
        return name, payload

    def _type(self) -> Type:
        word = self._next()
        if word in PRIMITIVES:
            return Primitive(word)
        if word == "result":
            return self._result()
        if word not in {"list", "option", "tuple", "own", "borrow"}:
            return self._by_name(word)
        self._skip("<")
        if word == "tuple":
            return Tuple(self._several(">", self._type))
        if word in {"own", "borrow"}:
            resource = self._here.resources[self._next()]
            made: Type = Own(resource) if word == "own" else Borrow(resource)
        else:
            made = List(self._type()) if word == "list" else Option(self._type())
        self._skip(">")
        return made

    def _by_name(self, name: str) -> Type:
        if name in self._here.resources:
            return Own(self._here.resources[name])
        if name not in self._here.types:
            raise ValueError(f"WIT speaks of {name!r}, which {self._here.name} does not have so far")
        return self._here.types[name]

    def _result(self) -> Result:
        if not self._taken("<"):
            return Result(None, None)
        ok = None if self._taken("_") else self._type()
        err = self._type() if self._taken(",") else None
        self._skip(">")
        return Result(ok, err)

    # ------------------------------------------------------------ functions

    def _signature(self, *first: tuple[str, Type]) -> Function:
        self._skip("(")
        parameters = first + self._several(")", self._named)
        result = self._type() if self._taken("->") else None
        self._skip(";")
        return Function(parameters, result)

    def _resource(self, name: str) -> None:
        identity = self._here.resources[name]
        if self._taken(";"):
            return
        self._skip("{")
        while not self._taken("}"):
            word = self._next()
            if word == "constructor":
                made = self._signature()
                self._here.functions[f"[constructor]{name}"] = Function(made.parameters, Own(identity))
                continue
            self._skip(":")
            if self._taken("static"):
                self._skip("func")
                self._here.functions[f"[static]{name}.{word}"] = self._signature()
            else:
                self._skip("func")
                self._here.functions[f"[method]{name}.{word}"] = self._signature(("self", Borrow(identity)))
