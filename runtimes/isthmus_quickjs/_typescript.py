"""TypeScript made JavaScript: swc's type stripper, which is WebAssembly, in a world of its own.

Types are overwritten with blanks, so that every line and column stays where it was.  What is more than
types (enums, namespaces, parameter properties) is compiled instead, and comes with a source map.

The stripper was made for JavaScript's side of wasm-bindgen: it speaks of values by handles, and asks its
host what they are.  What it asks on its way through a text is answered here; anything else is a fault.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import wasmtime

from isthmus.errors import LoadError, RuntimeFault

from ._code import compiled
from ._wasm import Stopped, on_epoch

if TYPE_CHECKING:
    from ._guest import Guest

__all__ = ["TypeStripper"]

WASM: Final = Path(__file__).parent / "typescript" / "swc.wasm"
MEMORY: Final = 512 * 1024 * 1024
SECONDS: Final = 5.0
"""What one text may take; a file of a megabyte takes a third of one."""
UNDEFINED: Final = object()
FIRST_HANDLE: Final = 132
"""Handles below are the stripper's constants."""
CONSTANTS: Final = {128: UNDEFINED, 129: None, 130: True, 131: False}


class _Refused(msgspec.Struct, frozen=True):
    """Why a text was refused: lines count from 1, columns from 0."""

    message: str
    code: str = ""
    startLine: int | None = None  # noqa: N815 -- swc's name
    startColumn: int | None = None  # noqa: N815 -- swc's name


class _Output(msgspec.Struct, frozen=True):
    code: str
    map: str | None = None


class TypeStripper:
    """Strips types, each text in an instance of its own.

    Args:
        guest: whose engine it runs in, stopped by the same clock.
    """

    def __init__(self, guest: Guest) -> None:
        self._engine = guest.code.engine
        try:
            binary = WASM.read_bytes()
        except FileNotFoundError:
            self._module: wasmtime.Module | None = None
        else:
            self._module = compiled(self._engine, binary)

    def strip(self, code: str, file: str) -> tuple[str, bytes | None]:
        """(JavaScript, JSON of its source map): without a map each character is where it was.

        Raises:
            LoadError: the text is no TypeScript, or this installation has no stripper.
        """
        output = self._transform(code, {"mode": "strip-only", "filename": file})
        if isinstance(output, _Refused) and output.code == "UnsupportedSyntax":
            output = self._transform(code, {"mode": "transform", "sourceMap": True, "filename": file})
        if isinstance(output, _Refused):
            raise _load_error(output, code, file)
        return output.code, output.map.encode() if output.map else None

    def _transform(self, code: str, options: dict[str, object]) -> _Output | _Refused:
        file = str(options["filename"])
        if self._module is None:
            raise LoadError(
                "TypeScript needs the type stripper, which this installation was made without: "
                "install isthmus where npm or the package index can be reached, or strip the types yourself",
                file=file,
            )
        began = time.thread_time()
        store = wasmtime.Store(self._engine)
        try:
            store.set_limits(memory_size=MEMORY)
            kept = on_epoch(store, lambda: time.thread_time() - began < SECONDS)
            answer = _Conversation(store, self._module).transform(code, options)
            del kept
        except (wasmtime.Trap, wasmtime.WasmtimeError, Stopped):
            raise LoadError(
                "its types could not be stripped: it is too deep, too large or too slow to read", file=file
            ) from None
        finally:
            store.close()
        return answer


class _Conversation:
    """One instance, and the values that it has handles for."""

    def __init__(self, store: wasmtime.Store, module: wasmtime.Module) -> None:
        self._store = store
        self._values: dict[int, Any] = dict(CONSTANTS)
        self._next = FIRST_HANDLE
        linker = wasmtime.Linker(store.engine)
        answers = self._answers()
        for wanted in module.imports:
            assert isinstance(wanted.type, wasmtime.FuncType)  # noqa: S101 -- the pinned module's
            answer = answers.get(wanted.name or "", _unanswered(wanted.name))
            linker.define_func(wanted.module, wanted.name or "", wanted.type, answer)
        exports = linker.instantiate(store, module).exports(store)
        memory, functions = exports["memory"], [exports[name] for name in FUNCTIONS]
        assert isinstance(memory, wasmtime.Memory)  # noqa: S101 -- the pinned module's
        self._memory = memory
        self._run, self._move_stack, self._allocate = functions

    def transform(self, code: str, options: dict[str, object]) -> _Output | _Refused:
        """Its answer, decoded."""
        at = self._call(self._move_stack, -16)
        self._call(self._run, at, self._keep(code), self._keep(options))
        value, error, failed = (int.from_bytes(self._read(at + 4 * i, 4), "little") for i in range(3))
        try:
            if failed:
                return msgspec.convert(self._values[error], _Refused)
            return msgspec.convert(self._values[value], _Output)
        except (KeyError, msgspec.ValidationError) as fault:
            raise RuntimeFault(f"the type stripper answered nonsense: {fault}") from fault

    def _call(self, function: Any, *arguments: int) -> int:
        return int(function(self._store, *arguments) or 0)

    def _read(self, at: int, length: int) -> bytes:
        return bytes(self._memory.read(self._store, at, at + length))

    def _text(self, at: int, length: int) -> str:
        return self._read(at & 0xFFFFFFFF, length & 0xFFFFFFFF).decode(errors="replace")

    def _keep(self, value: Any) -> int:
        self._next += 1
        self._values[self._next] = value
        return self._next

    def _drop(self, handle: int) -> Any:
        return self._values.pop(handle) if handle > FIRST_HANDLE else self._values[handle]

    def _put_text(self, at: int, handle: int) -> None:
        """Leave pointer and length of a string's UTF-8, both 0 for what is no string."""
        value, pointer, data = self._values[handle], 0, b""
        if isinstance(value, str):
            data = value.encode()
            pointer = self._call(self._allocate, len(data), 1) & 0xFFFFFFFF
            self._memory.write(self._store, data, pointer)
        self._memory.write(
            self._store, pointer.to_bytes(4, "little") + len(data).to_bytes(4, "little"), at & 0xFFFFFFFF
        )

    def _set(self, target: int, key: int, value: int) -> None:
        name, given = self._drop(key), self._drop(value)
        if given is not UNDEFINED:
            self._values[target][name] = given

    def _boolean(self, handle: int) -> int:
        value = self._values[handle]
        return int(value) if isinstance(value, bool) else 2

    def _answers(self) -> dict[str, Callable[..., Any]]:
        """What the stripper asks, by the names that its compiler has given the questions."""
        of = self._values
        empty = (None, UNDEFINED)
        return {
            "__wbindgen_is_falsy": lambda v: int(of[v] is UNDEFINED or not of[v]),
            "__wbindgen_is_object": lambda v: int(of[v] is None or isinstance(of[v], dict)),
            "__wbindgen_is_string": lambda v: int(isinstance(of[v], str)),
            "__wbindgen_is_undefined": lambda v: int(of[v] is UNDEFINED),
            "__wbindgen_in": lambda key, v: int(of[key] in of[v]),
            "__wbindgen_jsval_loose_eq": lambda a, b: int(
                of[a] in empty if of[b] in empty else of[a] == of[b]
            ),
            "__wbindgen_boolean_get": self._boolean,
            "__wbindgen_string_get": self._put_text,
            "__wbindgen_string_new": lambda at, length: self._keep(self._text(at, length)),
            "__wbindgen_number_new": lambda number: self._keep(int(number)),
            "__wbindgen_object_clone_ref": lambda v: self._keep(of[v]),
            "__wbindgen_object_drop_ref": lambda v: self._forget(v),
            "__wbg_getwithrefkey_1dc361bd10053bfe": lambda v, key: self._keep(of[v].get(of[key], UNDEFINED)),
            "__wbg_new_405e22f390576ce2": lambda: self._keep({}),
            "__wbg_set_3f1d0b984ed272ed": self._set,
        }

    def _forget(self, handle: int) -> None:
        self._drop(handle)


FUNCTIONS: Final = ("transformSync", "__wbindgen_add_to_stack_pointer", "__wbindgen_export_2")


def _unanswered(name: str | None) -> Callable[..., Any]:
    def refuse(*_arguments: Any) -> Any:
        raise RuntimeFault(f"the type stripper asks {name}, which nobody answers")

    return refuse


def _load_error(refused: _Refused, code: str, file: str) -> LoadError:
    from ._source import Source

    line = refused.startLine
    column = None if refused.startColumn is None else refused.startColumn + 1
    excerpt = (
        "" if line is None else Source(code=code, file=file, texts={file: code}).excerpt(file, line, column)
    )
    return LoadError(f"SyntaxError: {refused.message}", file=file, line=line, column=column, excerpt=excerpt)
