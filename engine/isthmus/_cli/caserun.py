"""The cases beside a function: found, run without a network, written anew."""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, final

import msgspec

from isthmus import Engine
from isthmus.errors import EngineError
from isthmus.testing import Lab, open_lab, run_case
from isthmus.testing.cases import DIRECTORY, Case, InvalidCase, read_case, write_case

from .definition import Project
from .faults import UsageFault
from .options import limits_of
from .values import gather
from .verdicts import Verdict

__all__ = ["Cases", "case_files"]

_TRACE_BYTES: Final = 1024 * 1024

_BY_THEMSELVES: Final = frozenset({"headers"})
"""What a client adds to a request by itself, and another version of it differently."""


def case_files(project: Project, text: str) -> list[Path]:
    """The files of a function's cases whose names hold a text, in order."""
    found = sorted((project.root / DIRECTORY).glob("*.json"))
    return [path for path in found if text.lower() in path.stem.lower()]


@final
class Cases:
    """Runs the cases of one function in one engine; made by :meth:`opened`."""

    def __init__(self, engine: Engine, lab: Lab, project: Project, arguments: argparse.Namespace) -> None:
        self._engine = engine
        self._lab = lab
        self._project = project
        self._options: dict[str, Any] = {"kind": arguments.kind, "language": arguments.language}
        self._settings = gather(
            project.settings,
            file=arguments.settings,
            environ=os.environ,
            prefix=arguments.env_prefix,
            pairs=arguments.pairs,
            below={},
        )

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, arguments: argparse.Namespace, project: Project, plugins: Sequence[object]
    ) -> AsyncIterator[Cases]:
        """Open an engine for them."""
        lab = Lab()
        limits = limits_of(arguments, trace_bytes=_TRACE_BYTES)
        async with open_lab(lab, plugins=plugins, limits=limits) as engine:
            yield cls(engine, lab, project, arguments)

    async def verdict(self, path: Path) -> Verdict:
        """Run the case in a file and say what came of it.

        Raises:
            LoadError: the function's code does not load.
        """
        try:
            case = read_case(path)
            if case.expected is None and not case.sound:
                raise InvalidCase(f'{path} expects nothing: it has neither "expected" nor "sound"')
            run = await self._run(case)
        except (InvalidCase, EngineError, UsageFault) as exc:
            return Verdict(name=path.stem, faults=(str(exc),), error=True)
        return Verdict(name=path.stem, seconds=run.seconds, faults=run.faults)

    async def update(self, path: Path) -> bool:
        """Write what comes of a case into its file; one that only has to be sound stays as it is, and that is False.

        Raises:
            InvalidCase: the file is none.
            EngineError: its settings or its event do not fit the function.
        """
        case = read_case(path)
        if case.sound and case.expected is None:
            return False
        view = dict((await self._run(case)).view)
        if "requests" in view:
            view["requests"] = [
                {name: value for name, value in request.items() if name not in _BY_THEMSELVES}
                for request in view["requests"]
            ]
        _expect(path, view)
        return True

    async def _run(self, case: Case) -> Any:
        return await run_case(
            self._engine, self._lab, self._project, case, settings=self._settings, **self._options
        )


def _expect(path: Path, view: dict[str, Any]) -> None:
    """Put what is expected into a case's file, and leave the rest as its author wrote it."""
    fields = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    write_case(path, {**fields, "expected": view})
