"""Components in WebAssembly text: the imports by the names of interfaces, the rest as a core module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from isthmus_wasmtime._components.fitting import given
from isthmus_wasmtime._components.types import (
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

MEMORY = """
  (core module $memory
    (memory (export "memory") {pages})
    (global $top (mut i32) (i32.const 65536))
    ;; a bump allocator above the first page, which is the module's own
    (func (export "realloc") (param $old i32) (param $held i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (loop $more
        (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
          (then
            (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
            (br $more))))
      (memory.copy (local.get $at) (local.get $old) (local.get $held))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
"""
RUN = """
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $runs (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $runs))
"""


def component(
    core: str,
    *,
    imports: Iterable[str] = (),
    exports: str = "run",
    pages: str = "4",
    versions: str = "",
    more: str = "",
) -> str:
    """A component around a core module.

    The module's imports are ``(import "wasi:io/poll" "[method]pollable.block" (func ...))`` with core types,
    ``[resource-drop]pollable`` too, and ``(import "" "memory" (memory 1))``, ``(import "" "realloc" (func ...))``.

    Args:
        core: fields of the core module, which exports ``run``.
        imports: names of interfaces, without versions; those that they use before them.
        exports: ``run`` for a command; ``handlers`` for the world ``function``, of the module's ``offered`` and
            ``handle``; or text, with ``$main`` for the module's instance.
        pages: limits of the memory.
        versions: version of what is imported, where it is not the declared one.
        more: further fields of the component, before the core module.
    """
    interfaces = [given()[name] for name in imports]
    if exports == "handlers":
        interfaces.insert(0, given()["isthmus:function/types"])
    home: dict[str, str] = {}
    types: dict[Type, str] = {}
    parts = ["(component"]
    lowered = []
    for index, interface in enumerate(interfaces):
        parts.append(_imported(interface, index, home, types, versions))
    parts += [more, MEMORY.format(pages=pages)]
    for index, interface in enumerate(interfaces):
        lowered.append(_lowered(interface, index, home, parts))
    arguments = "\n".join(
        f'(with "{interface.name}" (instance {text}))'
        for interface, text in zip(interfaces, lowered, strict=True)
    )
    parts += [
        f"(core module $main {core})",
        f'(core instance $main (instantiate $main (with "" (instance $memory)) {arguments}))',
        RUN if exports == "run" else _handlers(types) if exports == "handlers" else exports,
        ")",
    ]
    return "\n".join(parts)


def _imported(
    interface: Interface, index: int, home: dict[str, str], types: dict[Type, str], versions: str
) -> str:
    spelled = Spelled(interface)
    for name, resource in interface.resources.items():
        if resource in home:
            spelled.text.append(f"(alias outer 1 {home[resource]} (type $outer-{name}))")
            spelled.text.append(f'(export "{name}" (type $r-{name} (eq $outer-{name})))')
        else:
            spelled.text.append(f'(export "{name}" (type $r-{name} (sub resource)))')
        spelled.resources[resource] = f"$r-{name}"
    spelled.name_types(types)
    for name, function in interface.functions.items():
        spelled.text.append(f'(export "{name}" (func {spelled.signature(function)}))')
    text = "\n".join(spelled.text)
    version = versions or interface.version
    made = [f'(import "{interface.name}@{version}" (instance $i{index} {text}))']
    for name, resource in interface.resources.items():
        if resource not in home:
            home[resource] = f"$h{index}-{name}"
            made.append(f'(alias export $i{index} "{name}" (type {home[resource]}))')
    for name, each in interface.types.items():
        if each not in types and not isinstance(each, Primitive):
            types[each] = f"$y{index}-{name}"
            made.append(f'(alias export $i{index} "{name}" (type {types[each]}))')
    return "\n".join(made)


def _lowered(interface: Interface, index: int, home: dict[str, str], parts: list[str]) -> str:
    """Lower an interface's functions; the inline instance that a core module imports."""
    exported = []
    for number, name in enumerate(interface.functions):
        parts.append(
            f'(core func $l{index}-{number} (canon lower (func $i{index} "{name}") (memory $mem) (realloc $realloc)))'
        )
        exported.append(f'(export "{name}" (func $l{index}-{number}))')
    for name, resource in interface.resources.items():
        parts.append(f"(core func $d{index}-{name} (canon resource.drop {home[resource]}))")
        exported.append(f'(export "[resource-drop]{name}" (func $d{index}-{name}))')
    return "\n".join(exported)


@dataclass
class Spelled:
    """Types of an interface in text, those that have names under these."""

    interface: Interface
    text: list[str] = field(default_factory=list)
    resources: dict[str, str] = field(default_factory=dict)
    named: dict[Type, str] = field(default_factory=dict)

    def name_types(self, types: dict[Type, str]) -> None:
        for name, each in self.interface.types.items():
            if each in types:
                self.text.append(f"(alias outer 1 {types[each]} (type $u-{name}))")
            else:
                self.text.append(f"(type $u-{name} {self.spell(each, whole=True)})")
            self.text.append(f'(export "{name}" (type $t-{name} (eq $u-{name})))')
            self.named.setdefault(each, f"$t-{name}")

    def signature(self, function: Function) -> str:
        parameters = " ".join(f'(param "{name}" {self.spell(each)})' for name, each in function.parameters)
        return parameters + ("" if function.result is None else f" (result {self.spell(function.result)})")

    def spell(self, type_: Type, *, whole: bool = False) -> str:
        if not whole and type_ in self.named and not isinstance(type_, Primitive):
            return self.named[type_]
        match type_:
            case Primitive(name):
                return name
            case List(element):
                return f"(list {self.spell(element)})"
            case Option(payload):
                return f"(option {self.spell(payload)})"
            case Result(ok, err):
                good = "" if ok is None else f" {self.spell(ok)}"
                return f"(result{good}" + ("" if err is None else f" (error {self.spell(err)})") + ")"
            case Tuple(elements):
                return f"(tuple {' '.join(self.spell(each) for each in elements)})"
            case Record(fields):
                return "(record " + " ".join(f'(field "{n}" {self.spell(each)})' for n, each in fields) + ")"
            case Variant(cases):
                return (
                    "(variant "
                    + " ".join(
                        f'(case "{n}"' + ("" if each is None else f" {self.spell(each)}") + ")"
                        for n, each in cases
                    )
                    + ")"
                )
            case Enum(names):
                return "(enum " + " ".join(f'"{name}"' for name in names) + ")"
            case Flags(names):
                return "(flags " + " ".join(f'"{name}"' for name in names) + ")"
            case Own(resource):
                return f"(own {self.resources[resource]})"
            case Borrow(resource):
                return f"(borrow {self.resources[resource]})"


def _handlers(types: dict[Type, str]) -> str:
    """Exports of the world ``function``: core functions ``offered`` and ``handle`` lifted."""
    interface = given()["isthmus:function/handlers"]
    outer, shim, exported = Spelled(interface), Spelled(interface), Spelled(interface)
    outer.named = types
    arguments = []
    needed = given()["isthmus:function/types"].types | interface.types
    for name, each in needed.items():
        if isinstance(each, Primitive):
            continue
        shim.text.append(f"(type $u-{name} {shim.spell(each, whole=True)})")
        shim.text.append(f'(import "t-{name}" (type $t-{name} (eq $u-{name})))')
        shim.named[each] = f"$t-{name}"
        exported.named[each] = f"$t-{name}"
        arguments.append(f'(with "t-{name}" (type {types[each]}))')
    for name, each in interface.types.items():
        exported.text.append(f'(export $e-{name} "{name}" (type $t-{name}))')
        exported.named[each] = f"$e-{name}"
    for name, function in interface.functions.items():
        outer.text.append(
            f'(func ${name} {outer.signature(function)} (canon lift (core func $main "{name}") '
            "(memory $mem) (realloc $realloc)))"
        )
        shim.text.append(f'(import "f-{name}" (func $f-{name} {shim.signature(function)}))')
        exported.text.append(f'(export "{name}" (func $f-{name}) (func {exported.signature(function)}))')
        arguments.append(f'(with "f-{name}" (func ${name}))')
    body = "\n".join([*shim.text, *exported.text])
    return "\n".join(
        [
            *outer.text,
            f"(component $shim {body})",
            f"(instance $handlers (instantiate $shim {' '.join(arguments)}))",
            f'(export "{interface.name}@{interface.version}" (instance $handlers))',
        ]
    )


STREAMS = ("wasi:io/error", "wasi:io/poll", "wasi:io/streams")


def speaking(
    body: str,
    *,
    uses: str = "",
    interfaces: Iterable[str] = (),
    data: str = "",
    more: str = "",
    pages: str = "4",
    result: str = "(i32.const 0)",
) -> str:
    """A command whose ``run`` has this body; ``$write``, ``$out`` and ``$number`` are there.

    Bytes below 1024 are those functions' own; ``data`` lies at 1024.

    Args:
        body: of ``run``; what it gives is ``result``.
        uses: imports of the core module, as text.
        interfaces: whose functions these are, beside streams, standard output and the log.
        data: a WebAssembly string.
        more: further fields of the module.
        pages: limits of its memory.
        result: 0 for well, 1 for not.
    """
    core = f"""
  (import "" "memory" (memory {pages.split()[0]}))
  (import "" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "wasi:cli/stdout" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/stderr" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams" "[method]output-stream.blocking-write-and-flush" (func $put (param i32 i32 i32 i32)))
  {uses}
  (data (i32.const 1024) "{data}")
  (func $write (param $stream i32) (param $at i32) (param $n i32)
    (call $put (local.get $stream) (local.get $at) (local.get $n) (i32.const 16)))
  (func $out (param $at i32) (param $n i32) (call $write (call $stdout) (local.get $at) (local.get $n)))
  (func $number (param $v i64)
    (local $at i32)
    (local.set $at (i32.const 60))
    (loop $more
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $v) (i64.const 10)))))
      (local.set $v (i64.div_u (local.get $v) (i64.const 10)))
      (br_if $more (i64.ne (local.get $v) (i64.const 0))))
    (call $out (local.get $at) (i32.sub (i32.const 60) (local.get $at))))
  {more}
  (func (export "run") (result i32) {body} {result})
"""
    wanted = [*STREAMS, "wasi:cli/stdout", "wasi:cli/stderr"]
    wanted += [each for each in interfaces if each not in wanted]
    return component(core, imports=wanted, pages=pages)


def escaped(data: bytes) -> str:
    """Bytes as a WebAssembly string."""
    return "".join(f"\\{byte:02x}" for byte in data)


def prints(text: str, more: str = "", result: str = "(i32.const 0)") -> str:
    """A command that writes a text and does this."""
    encoded = text.encode()
    return speaking(
        f"(call $out (i32.const 1024) (i32.const {len(encoded)})) {more}",
        data=escaped(encoded),
        result=result,
    )


def answers(
    body: str, *, uses: str = "", interfaces: Iterable[str] = (), data: str = "", offered: int = 1
) -> str:
    """A component of the world ``function`` whose ``handle`` has this body; it gives where its result lies.

    ``$call`` is where the call lies; ``data`` lies at 1024.

    Args:
        body: of ``handle``.
        uses: imports of the core module, as text.
        interfaces: whose functions these are.
        data: a WebAssembly string.
        offered: the number of the one handler that there is.
    """
    core = f"""
  (import "" "memory" (memory 1))
  {uses}
  (data (i32.const 1024) "{data}")
  (func (export "offered") (result i32)
    (i32.store (i32.const 0) (i32.const 8)) (i32.store (i32.const 4) (i32.const 1))
    (i32.store8 (i32.const 8) (i32.const {offered})) (i32.const 0))
  (func (export "handle") (param $call i32) (result i32) {body})
"""
    return component(core, imports=interfaces, exports="handlers")


def returns(case: int, *words: int) -> str:
    """Core code that lays out ``ok`` of an outcome's case with these words, and gives where it lies."""
    stores = "".join(
        f"(i32.store (i32.const {108 + 4 * index}) (i32.const {word}))" for index, word in enumerate(words)
    )
    return f"""
    (i32.store8 (i32.const 100) (i32.const 0)) (i32.store8 (i32.const 104) (i32.const {case}))
    {stores}
    (i32.const 100)"""
