"""What the built-in commands are made of, for commands of plugins: arguments, a screen, progress, what lies on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._cli.companions.messages import Channel as Channel
from ._cli.definition import (
    Manifest as Manifest,
    Project as Project,
    find as find_function,
    kind_named as kind_named,
    language_of as language_of,
)
from ._cli.faults import (
    FAILED as FAILED,
    INTERRUPTED as INTERRUPTED,
    OK as OK,
    UsageFault as UsageFault,
)
from ._cli.interrupts import interrupts as interrupts
from ._cli.options import Parser as Parser, add_limits as add_limits, limits_of as limits_of
from ._cli.progress import Snapshot as Snapshot, counts_text as counts_text, follow as follow
from ._cli.references import References as References
from ._cli.screen import Screen as Screen, visible as visible
from ._cli.units import (
    bytes_text as bytes_text,
    count as count,
    plural as plural,
    seconds as seconds,
    seconds_text as seconds_text,
    size as size,
)

if TYPE_CHECKING:
    from ._engine import Engine
    from .pipelines import Destination

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "OK",
    "Channel",
    "Manifest",
    "Parser",
    "Project",
    "References",
    "Screen",
    "Snapshot",
    "UsageFault",
    "add_limits",
    "bytes_text",
    "count",
    "counts_text",
    "destination_name",
    "find_function",
    "follow",
    "interrupts",
    "kind_named",
    "language_of",
    "limits_of",
    "load_destination",
    "plural",
    "seconds",
    "seconds_text",
    "size",
    "visible",
]


def destination_name(to: str, pipeline: Path | None) -> str:
    """What a destination is called, without loading anything: see :func:`load_destination`.

    Raises:
        UsageFault: there is none.
    """
    if pipeline is None:
        from ._cli.definition import find

        return "-".join(find(to).name.split())[:100] or "function"
    from ._cli.pipelinefile import read_pipeline

    known = [entry.name for entry in read_pipeline(pipeline).destination]
    if to not in known:
        raise UsageFault(f"{pipeline} has no destination {to!r}; it has {', '.join(known)}")
    return to


async def load_destination(
    engine: Engine,
    to: str,
    *,
    pipeline: Path | None = None,
    settings: str = "",
    egress: Mapping[str, Any] = {},
) -> Destination:
    """Load one destination with its inserts, as a ``pipeline.toml`` defines it; or a function that lies on disk alone.

    Args:
        engine: functions are loaded in it.
        to: the destination's name in the file; without a file the directory or file of a function.
        pipeline: path of the ``pipeline.toml``, or None.
        settings: path of a file of values, for a function alone.
        egress: the fields of :class:`isthmus.abc.Egress`, for a function alone.

    Raises:
        UsageFault: what is named is not there, or does not fit.
        InvalidSettings: the values do not fit the function's definitions.
        LoadError: a function's code does not load.
    """
    from ._cli.assembly import Assembly
    from ._cli.pipelinefile import DestinationEntry, PipelineFile, read_pipeline

    name = destination_name(to, pipeline)
    if pipeline is None:
        entry = DestinationEntry(name=name, function=to, settings=settings or {}, egress=dict(egress))
    else:
        entry = next(entry for entry in read_pipeline(pipeline).destination if entry.name == name)
    written = PipelineFile(destination=(entry,))
    assembly = Assembly(engine, pipeline or Path("pipeline.toml"), written, serving=True)
    (destination,) = await assembly.destinations()
    return destination
