"""The JavaScript runtime: loads functions into images, and owns the lanes that run them."""

from __future__ import annotations

import hashlib
import re
import time
from functools import cached_property
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from isthmus.abc import Runtime
from isthmus.processors import processors

from ._bundles import bundle, bundles_directory, has_package
from ._inline import InlineLane
from ._lanes import Lanes
from ._program import QuickJSProgram
from ._source import TYPESCRIPT, read_source
from .libraries.named import libraries_named_in

if TYPE_CHECKING:
    from isthmus.functions import Function
    from isthmus.limits import Limits

    from ._guest import Guest, Image
    from ._typescript import TypeStripper

__all__ = ["QuickJSRuntime"]

PRELUDE: Final = Path(__file__).parent / "prelude"
MOST_LOG: Final = 64 * 1024 * 1024
"""Bytes of console output that are kept at the most: there is room for them in every world."""
LOADING: Final = 2.0
"""Seconds of the processor that loading may take, also where calls have less: compiling and libraries are not a call's affair."""
WORD: Final = re.compile(r"[A-Za-z_$][\w$]*")


class QuickJSRuntime(Runtime):
    """Runs JavaScript in QuickJS-NG, compiled to WebAssembly, on wasmtime.

    Args:
        lanes: how many threads run functions; by default :func:`isthmus.processors.processors`.
    """

    language = "javascript"
    suffixes: tuple[str, ...] = (".js", ".mjs", ".cjs", *TYPESCRIPT)
    isolation = "WebAssembly (wasmtime): memory-safe, no system interface, a fresh world for every call"

    def __init__(self, lanes: int | None = None) -> None:
        self._count = lanes or processors()
        self._guest: Guest | None = None
        self._lanes: Lanes | None = None
        self._inline: InlineLane | None = None
        self._stripper: TypeStripper | None = None
        self._opening = trio.Lock()

    @cached_property
    def version(self) -> str:
        """A digest of the guest and its prelude, and ICU's version; see :class:`isthmus.abc.Runtime`."""
        digest = hashlib.sha256((PRELUDE.parent / "guest" / "quickjs.wasm").read_bytes())
        for file in sorted(PRELUDE.rglob("*.js*")):
            digest.update(file.relative_to(PRELUDE).as_posix().encode() + b"\0" + file.read_bytes())
        return f"quickjs {digest.hexdigest()[:16]}, icu {version_of('icu4py')}"

    async def load(self, function: Function, limits: Limits) -> QuickJSProgram:
        """Make a program of a function's source text; see :class:`isthmus.abc.Runtime`."""
        guest, lanes = await self._open()
        loaded: list[Image] = []

        def load() -> None:
            source = read_source(function.code, function.file, self._strip)
            # Of the processor's time, for loading waits for nothing but that.
            began = time.thread_time()
            seconds = max(min(limits.wall, limits.cpu), LOADING)
            options: dict[str, object] = {
                "kind": function.kind.value,
                "modules": modules_named_in(source.code),
                "libraries": libraries_named_in(source.code, guest.bundles),
                "lenient": function.lenient,
            }
            loaded.append(
                guest.load(
                    source,
                    options,
                    memory=limits.memory,
                    log_bytes=min(limits.log_bytes, MOST_LOG)
                    + 1,  # so that the host sees that there was more
                    proceed=lambda _index, _seconds: time.thread_time() - began < seconds,
                )
            )

        await lanes.run(load)
        return QuickJSProgram(
            loaded[0],
            limits,
            lanes,
            self._inline,
            keep_worlds=function.isolation == "instance",
            file=function.file,
        )

    def assemble(self, file: Path, root: Path) -> str | bytes:
        """The file, or the bundle that is made of it where its directory is an npm package."""
        if not has_package(root):
            return super().assemble(file, root)
        return bundle(file, root, bundles_directory()).code

    async def aclose(self) -> None:
        """End the lanes."""
        if self._lanes is not None:
            await self._lanes.aclose()

    def _strip(self, code: str, file: str) -> tuple[str, bytes | None]:
        """What a TypeScript text is in JavaScript; in a lane, once the guest is there."""
        if self._stripper is None:
            from ._typescript import TypeStripper

            assert self._guest is not None  # noqa: S101 -- see above
            self._stripper = TypeStripper(self._guest)
        return self._stripper.strip(code, file)

    async def _open(self) -> tuple[Guest, Lanes]:
        async with self._opening:
            if self._guest is None or self._lanes is None:
                from ._guest import Guest

                self._guest = await trio.to_thread.run_sync(Guest)
                self._lanes = Lanes([self._guest.code.engine], self._count)
                self._inline = InlineLane(self._guest, self._lanes)
            return self._guest, self._lanes


def modules_named_in(code: str) -> list[str]:
    """The prelude's modules whose globals the source text names, wherever it does."""
    words = set(WORD.findall(code))
    table = msgspec.json.decode((PRELUDE / "modules.json").read_bytes(), type=dict[str, list[str]])
    return [module for module, names in table.items() if not words.isdisjoint(names)]
