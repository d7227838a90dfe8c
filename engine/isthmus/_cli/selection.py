"""The events of an archive that somebody means: of a time range, a source, a condition, a message id."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from isthmus._rules.jsontext import fields_of
from isthmus.archive import ArchivedEvent, ArchiveReader
from isthmus.errors import EngineError
from isthmus.pipelines import Filter

from .faults import UsageFault
from .pipelinefile import PipelineFile
from .screen import Screen, visible

if TYPE_CHECKING:
    from isthmus.rules import Condition

__all__ = ["Selection"]


@final
class Selection:
    """The events that the arguments mean.

    Raises:
        UsageFault: the pipeline has no archive, or no such source or destination; or the condition is none.
    """

    def __init__(self, arguments: argparse.Namespace, path: Path, written: PipelineFile) -> None:
        if written.archive is None:
            raise UsageFault(f"{path} has no [archive], so that none of its events are kept")
        known = {entry.name for entry in written.destination}
        if unknown := [name for name in arguments.to if name not in known]:
            raise UsageFault(
                f"--to: there is no destination {unknown[0]!r}; there is {', '.join(sorted(known))}"
            )
        self._sources = {entry.id for entry in written.source}
        if arguments.source is not None and arguments.source not in self._sources:
            raise UsageFault(f"--source: there is no source {arguments.source!r}")
        try:
            self._condition: Condition | None = Filter(where=arguments.where).condition
        except EngineError as exc:
            raise UsageFault(f"--where: {exc}") from None
        self._arguments = arguments
        self._reader = ArchiveReader(
            path.parent / written.archive.path, since=arguments.since, until=arguments.until
        )

    def events(self) -> Iterator[ArchivedEvent]:
        """Those that are meant; reads files, a piece at a time."""
        messages = set(self._arguments.message)
        left: int | None = self._arguments.limit
        skip: int = self._arguments.skip
        for one in self._reader.events(containing=tuple(messages)):
            if left == 0:
                return
            if one.source not in self._sources or self._arguments.source not in {None, one.source}:
                continue
            if not self._meets(one, messages):
                continue
            if skip:
                skip -= 1
                continue
            left = None if left is None else left - 1
            yield one

    def _meets(self, one: ArchivedEvent, messages: set[str]) -> bool:
        if self._condition is None and not messages:
            return True
        try:
            fields: dict[str, Any] = fields_of(bytes(one.event))
        except (ValueError, RecursionError):
            return False
        if messages and fields.get("messageId") not in messages:
            return False
        return self._condition is None or self._condition(fields)

    def say_damaged(self, screen: Screen) -> bool:
        """Name the files that could not be read to their end, and say whether there were any."""
        for damaged in self._reader.damaged:
            screen.print(f"{visible(str(damaged))} is damaged: what comes after that was not sent")
        return bool(self._reader.damaged)
