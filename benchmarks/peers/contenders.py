"""Who takes part: what separates a function from its host, what an event finds, how one is had and started."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, Literal, final

import msgspec

__all__ = ["CONTENDERS", "Boundary", "Contender"]

DRIVERS: Final = Path(__file__).parent / "drivers"
PACKAGE: Final = "benchmarks.peers.drivers"

Boundary = Literal["memory-safe", "process", "none"]
"""What a bug of the engine, or a clever guest, would have to break: WebAssembly or an isolate of V8; the system; nothing."""


@final
class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """One who runs handlers.

    Attributes:
        name: in the table.
        boundary: see :data:`Boundary`.
        isolation: the same in words.
        language: of the handler.
        driver: the command that runs it; ``{node}`` is where npm's packages are.
        group: the dependency group of ``pyproject.toml`` that pip installs for it, in a directory of its own: two of them have
            modules of one name. Or "".
        package: npm's package that it needs, or "".
        live: worlds that are alive at a time while memory is measured; 0 where it is not measured.
        slow: a fresh world takes milliseconds: fewer are measured.
        heavy: compiling it takes many minutes: it takes part where that has been done, or where it is asked for by name.
        many: it takes events as they come by itself, on all processors; the others get a process a processor.
    """

    name: str
    boundary: Boundary
    isolation: str
    driver: tuple[str, ...]
    language: Literal["javascript", "python", "wasm"] = "javascript"
    group: str = ""
    package: str = ""
    live: int = 40
    slow: bool = False
    heavy: bool = False
    many: bool = False


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"{PACKAGE}.{module}", *arguments)


def _node(name: str) -> tuple[str, ...]:
    return ("node", str(DRIVERS / "node.mjs"), name, "{node}")


CONTENDERS: Final = (
    Contender(
        name="isthmus",
        boundary="memory-safe",
        isolation="QuickJS-NG in WebAssembly (wasmtime)",
        driver=_python("isthmus_"),
        many=True,
    ),
    Contender(
        name="quickjs-rs",
        boundary="memory-safe",
        isolation="QuickJS-NG in WebAssembly (wasmtime)",
        driver=_python("quickjs_rs_"),
        group="peer-quickjs-rs",
        slow=True,
    ),
    Contender(
        name="wasmjs",
        boundary="memory-safe",
        isolation="QuickJS-NG in WebAssembly (wasmtime)",
        driver=_python("wasmjs_"),
        group="peer-wasmjs",
        slow=True,
    ),
    Contender(
        name="mini-racer",
        boundary="memory-safe",
        isolation="an isolate of V8",
        driver=_python("mini_racer_"),
        group="peer-mini-racer",
        slow=True,
    ),
    Contender(
        name="isolated-vm",
        boundary="memory-safe",
        isolation="an isolate of V8, in Node",
        driver=_node("isolated-vm"),
        package="isolated-vm",
        slow=True,
        heavy=True,
    ),
    Contender(
        name="quickjs-emscripten",
        boundary="memory-safe",
        isolation="QuickJS in WebAssembly (V8), in Node",
        driver=_node("quickjs-emscripten"),
        package="quickjs-emscripten",
    ),
    Contender(
        name="worker_threads",
        boundary="memory-safe",
        isolation="an isolate of V8 that may do all that Node may",
        driver=_node("worker_threads"),
        slow=True,
        live=10,
    ),
    Contender(
        name="workerd",
        boundary="memory-safe",
        isolation="an isolate of V8 of its worker loader, in a process of its own",
        driver=_python("workerd_", "{node}/node_modules/.bin/workerd"),
        package="workerd",
        slow=True,
    ),
    Contender(
        name="node:vm",
        boundary="none",
        isolation="a context of V8: its documentation says it is no security mechanism",
        driver=_node("node:vm"),
    ),
    Contender(
        name="quickjs",
        boundary="none",
        isolation="a C extension in the process",
        driver=_python("quickjs_native"),
        group="peer-quickjs",
    ),
    Contender(
        name="quickjs-ng",
        boundary="none",
        isolation="a C extension in the process",
        driver=_python("quickjs_native"),
        group="peer-quickjs-ng",
    ),
    Contender(
        name="jsbox",
        boundary="none",
        isolation="a Rust extension around C in the process",
        driver=_python("jsbox_"),
        group="peer-jsbox",
    ),
    Contender(
        name="Deno, a process an event",
        boundary="process",
        isolation="a process, and Deno's permissions",
        driver=_python(
            "process", "{node}/node_modules/.bin/deno", "run", "--quiet", str(DRIVERS / "reader.mjs")
        ),
        package="deno",
        slow=True,
        live=0,
    ),
    Contender(
        name="Node, a process an event",
        boundary="process",
        isolation="a process that may do all that Node may",
        driver=_python("process", "node", str(DRIVERS / "reader.mjs")),
        slow=True,
        live=0,
    ),
    Contender(
        name="isthmus, Python",
        boundary="process",
        isolation="a confined process (seccomp, Landlock, namespaces)",
        driver=_python("isthmus_", "python"),
        language="python",
        slow=True,
        live=0,
        many=True,
    ),
    Contender(
        name="pydantic-monty",
        boundary="process",
        isolation="an interpreter in Rust of a part of Python, in processes",
        driver=_python("monty"),
        language="python",
        group="peer-pydantic-monty",
        live=0,
    ),
    Contender(
        name="Python, a process an event",
        boundary="process",
        isolation="a process that may do all that its user may",
        driver=_python("process", sys.executable, str(DRIVERS / "reader.py")),
        language="python",
        slow=True,
        live=0,
    ),
    Contender(
        name="isthmus, WebAssembly",
        boundary="memory-safe",
        isolation="WebAssembly (wasmtime)",
        driver=_python("isthmus_", "wasm"),
        language="wasm",
        live=0,
        many=True,
    ),
    Contender(
        name="extism",
        boundary="memory-safe",
        isolation="WebAssembly (wasmtime)",
        driver=_python("extism_"),
        language="wasm",
        group="peer-extism",
    ),
)
