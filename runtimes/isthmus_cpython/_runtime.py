"""The Python runtime: loads functions into zygotes, and holds what the operator has decided about isolation."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from isthmus.abc import Runtime
from isthmus.errors import EngineError, LoadError, RuntimeFault

from ._cgroups import GIVEN as GROUP, Group, Groups
from ._endings import manner
from ._levels import Isolation, Level, level_named
from ._messages import Loaded, parse_fault, parse_loaded
from ._modules import trusted_among
from ._packages import Packages, Policy, policy_named
from ._pool import Pool, call_caps
from ._program import LAST_WORDS, CPythonProgram
from ._requirements import FILE as REQUIREMENTS, requirements_of, with_requirements
from ._sources import load_error, text_of
from ._spawning import Recipe, executable
from ._wire import FAULT, LOAD, LOADED, FrameTooLarge, Nonsense
from ._wish import AIM, REQUIRE
from ._zygote import Image, Zygote

if TYPE_CHECKING:
    from isthmus.functions import Function
    from isthmus.limits import Limits

__all__ = ["CPythonRuntime"]

LOADING: Final = 10.0
"""Seconds that the first look at a function may take, on a machine that has other things to do."""
LEAST_MEMORY: Final = 48 * 1024 * 1024
"""Bytes of address space in which an interpreter, the runtime's modules and a small function have room."""
SCRATCH: Final = 16 * 1024 * 1024
"""Bytes that a process may write to its ``/tmp``, which counts as its group's memory."""
ZYGOTE: Final = 64 * 1024 * 1024
THREADS: Final = 64
"""Of one process, as its group counts them on the average."""
PACKAGES: Final = "ISTHMUS_PYTHON_PACKAGES"


class CPythonRuntime(Runtime):
    """Runs Python in confined processes, forked from a zygote for every call.

    Args:
        isolation: the level to build, where this machine has what it takes.
        require_isolation: nothing is loaded below this level.  ``process`` runs untrusted code on trust.
        processes: calls that may be under way at once, of all functions; others wait for their turn.
        ready: processes of one function that may wait for a call; 0 forks for every call.
        python: the interpreter of functions; the engine's own by default.
        packages: which packages functions may bring: ``none``, ``offline``, ``wheels`` or ``builds``, see
            :class:`Policy`.
        cache: where packages are kept; by default in the user's cache directory.

    Attributes:
        reached: the isolation that was reached on this machine, None before it was tried.

    Raises:
        EngineError: there is no such level, or no such policy.
    """

    language = "python"
    suffixes: tuple[str, ...] = (".py",)
    _reused = False

    def __init__(
        self,
        *,
        isolation: str = Level.KERNEL_NS,
        require_isolation: str = Level.SECCOMP,
        processes: int = 64,
        ready: int = 8,
        python: str | None = None,
        packages: str = Policy.WHEELS,
        cache: Path | None = None,
    ) -> None:
        self._aim = level_named(isolation, "isolation")
        self._least = level_named(require_isolation, "require_isolation")
        self._python = python or executable()
        self._processes = processes
        self._ready = ready
        self._packages = Packages(cache, policy_named(packages, "packages"), self._python)
        self._room: trio.Semaphore | None = None
        self.reached: Isolation | None = None

    @property
    def version(self) -> str:
        """Of the interpreter, where it is the engine's own; see :class:`isthmus.abc.Runtime`."""
        return f"cpython {platform.python_version()}" if self._python == executable() else "cpython"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> CPythonRuntime:
        """One as the operator wants it, by ``ISTHMUS_PYTHON_`` with ``ISOLATION``, ``REQUIRE_ISOLATION``, ``PACKAGES``."""
        return cls(
            isolation=environment.get(AIM) or Level.KERNEL_NS,
            require_isolation=environment.get(REQUIRE) or Level.SECCOMP,
            packages=environment.get(PACKAGES) or Policy.WHEELS,
        )

    @cached_property
    def _groups(self) -> Groups:
        return Groups(os.environ.get(GROUP, ""))

    @property
    def isolation(self) -> str:  # type: ignore[override] # found out when it is first asked for
        """What separates a function from the host, on this machine; the first time it is tried."""
        if self.reached is None:
            from isthmus.limits import Limits

            from ._probe import probe

            group = self._group(Limits())
            try:
                self.reached = probe(self._recipe((), None, group))
            finally:
                if group is not None:
                    group.close()
        return self.reached.sentence()

    async def load(self, function: Function, limits: Limits) -> CPythonProgram:
        """Make a program of a function's source text; see :class:`isthmus.abc.Runtime`.

        Raises:
            LoadError: the code does not load, or its packages cannot be installed.
            EngineError: the machine does not reach the isolation that is required, the operator allows no
                packages, or the memory limit is too low for an interpreter.
        """
        source = text_of(function.code, function.file)
        if limits.memory < LEAST_MEMORY:
            text = f"a Python function needs Limits.memory of {LEAST_MEMORY} bytes or more"
            raise EngineError(f"{text}, not {limits.memory}")
        required = requirements_of(source, function.file)
        packages = (await self._packages.directory(required),) if required.lines else ()
        zygote = await self._zygote(packages, limits)
        try:
            self.reached = zygote.isolation
            self._check(zygote.isolation)
            loaded = await _look_at(zygote, source, function.file, limits)
            if loaded.error is not None:
                raise load_error(loaded.error, source, function.file)
            return await self._program(zygote, function, limits, source, loaded)
        except BaseException:
            await zygote.aclose()
            raise

    def assemble(self, file: Path, root: Path) -> str | bytes:
        """The file, with what a ``requirements.txt`` in the function's directory asks for in a block at its end.

        Raises:
            LoadError: the code says so itself as well, or one of the two is no text.
            OSError: the file cannot be read.
        """
        code = super().assemble(file, root)
        try:
            asked = (root / REQUIREMENTS).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return code
        return with_requirements(text_of(code, str(file)), text_of(asked, str(root / REQUIREMENTS)))

    async def _program(
        self, zygote: Zygote, function: Function, limits: Limits, source: str, loaded: Loaded
    ) -> CPythonProgram:
        keep = function.isolation == "instance"
        image = Image(
            source=source,
            code=loaded.code,
            file=function.file,
            modules=tuple(trusted_among(loaded.imports, asynchronous=loaded.asynchronous)),
            asynchronous=loaded.asynchronous,
            keep=keep,
            lenient=function.lenient,
            log_bytes=limits.log_bytes,
            output_bytes=limits.output_bytes,
        )
        await zygote.adopt(image)
        caps = call_caps(
            request_bytes=limits.fetch_request_bytes, output_bytes=limits.output_bytes, metered=self._reused
        )
        pool = Pool(
            zygote,
            caps,
            most=0 if keep else self._ready,
            patience=max(limits.wall, LOADING),
            reused=self._reused,
        )
        await pool.fill()
        if self._room is None:
            self._room = trio.Semaphore(self._processes)
        return CPythonProgram(
            zygote,
            pool,
            handlers=frozenset(loaded.handlers),
            lines=frozenset(loaded.lines),
            limits=limits,
            room=self._room,
            keep=keep,
        )

    async def _zygote(self, packages: tuple[str, ...], limits: Limits) -> Zygote:
        """A zygote, in a group of its own where there are such."""
        group = self._group(limits)
        return await Zygote.start(self._recipe(packages, limits, group), group)

    def _group(self, limits: Limits) -> Group | None:
        at_once = self._processes + self._ready
        memory = at_once * (limits.memory + SCRATCH) + ZYGOTE
        return self._groups.make(memory=memory, tasks=at_once * THREADS)

    def _recipe(self, packages: tuple[str, ...], limits: Limits | None, group: Group | None) -> Recipe:
        return Recipe(
            python=self._python,
            aim=self._aim.layers,
            packages=packages,
            memory=limits.memory if limits else 0,
            cpu=limits.cpu if limits else 0.0,
            group=str(group.path) if group else "",
            groupless=self._groups.missing,
        )

    def _check(self, reached: Isolation) -> None:
        if reached.level.strength < self._least.strength:
            raise EngineError(
                f"Python functions run here with the isolation {reached.level.value!r} at the most, and "
                f"{self._least.value!r} is required ({REQUIRE}, or require_isolation=); "
                + "; ".join(f"{name}: {why}" for name, why in sorted(reached.missing.items()))
            )


async def _look_at(zygote: Zygote, source: str, file: str, limits: Limits) -> Loaded:
    """Have a process of its own compile the code and run the module's body."""
    most = 1 << 20
    caps = {LOADED: most + 64 * len(source.encode()), FAULT: most}
    process = await zygote.fork(caps)
    try:
        with trio.move_on_after(LOADING) as scope:
            await process.connection.send(LOAD, msgspec.json.encode({"source": source, "file": file}))
            frame = await process.connection.receive()
        if scope.cancelled_caught:
            raise LoadError(
                f"the code did not finish loading within {LOADING:g} s: what stands outside the handlers "
                "runs too long",
                file=file,
            )
        if frame is None:
            how = manner(await process.end(LAST_WORDS))
            text = f"the process that loads the code ended before it had ({how})"
            hint = f"where it wants more memory than Limits.memory, {limits.memory} bytes, it may end so"
            raise LoadError(f"{text}; {hint}", file=file)
        kind, payload = frame
        if kind == FAULT:
            raise RuntimeFault(f"a process could not be confined: {parse_fault(payload).message}")
        return parse_loaded(payload)
    except (Nonsense, FrameTooLarge, OSError) as error:
        raise LoadError(
            f"the process that loads the code wrote what it may not write: {error}", file=file
        ) from error
    finally:
        await process.end()
