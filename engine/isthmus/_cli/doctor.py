"""``isthmus doctor``: what does not hold on this machine or in a queue's storage, and what to do about it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from isthmus import open_engine
from isthmus._discovery import PluginInfo
from isthmus.errors import QueueError
from isthmus.queues import Finding

from .faults import FAILED, OK
from .opening import in_trio
from .options import Parser, add_general
from .plugins import in_all
from .screen import Screen, visible
from .storage import open_beside

__all__ = ["execute", "parser"]

_MARKS: Final = {"fine": ("✓", "green"), "warning": ("!", "yellow"), "unsafe": ("✗", "red")}


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus doctor",
        usage="isthmus doctor [--queue URL] [options]",
        description="""
            Looks at what the promises rest on: whether each plugin is used, what separates the functions of
            each runtime from this machine, and whether a queue's storage keeps what it accepts. For each
            thing that does not hold it says what to do.
        """,
        epilog="exit status: 0; 1 where something is unsafe, or a plugin is not used; 2 for a wrong call",
    )
    parser.add_argument(
        "--queue", metavar="URL", help="a queue to look at, named as for the other commands; it is opened"
    )
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stdout)
    async with open_engine(plugins=plugins) as engine:
        infos = in_all(engine.plugins, plugins)
        isolations = {key: runtime.isolation for key, runtime in engine.runtimes.items()}
    sound = _report(screen, "plugins", [_plugin(info) for info in infos] or [_NO_PLUGIN])
    screen.print()
    screen.print(screen.paint("what separates functions from this machine", "bold"))
    for language, isolation in isolations.items():
        screen.print(f"  {visible(language)}: {visible(isolation or 'the runtime says nothing of it')}")
    if arguments.queue is not None:
        screen.print()
        sound &= _report(screen, "queue", await _look(arguments.queue, plugins))
    return OK if sound else FAILED


_NO_PLUGIN: Final = Finding(
    level="unsafe",
    what="no plugin is installed, so there is no runtime to run a function with",
    remedy="install isthmus with its entry points: pip install isthmus",
)


def _plugin(info: PluginInfo) -> Finding:
    if info.error:
        return Finding(
            level="unsafe",
            what=f"{info.name} is not used, or not all of it: {info.error}",
            remedy="mend it, or uninstall it",
        )
    return Finding(level="fine", what=info.name)


async def _look(url: str, plugins: Sequence[object]) -> list[Finding]:
    """What a queue's storage says of itself; one that refuses to be opened says why."""
    try:
        async with open_beside(url, plugins) as queue:
            findings = await queue.findings()
    except QueueError as exc:
        return [Finding(level="unsafe", what=str(exc))]
    return findings or [Finding(level="warning", what="the storage says nothing of what it rests on")]


def _report(screen: Screen, heading: str, findings: Sequence[Finding]) -> bool:
    """Print findings, and say whether none is unsafe."""
    screen.print(screen.paint(heading, "bold"))
    for finding in findings:
        sign, style = _MARKS[finding.level]
        first, *rest = visible(finding.what).splitlines()
        screen.print(f"  {screen.paint(sign, f'bold {style}')} {first}")
        for line in rest:
            screen.print(f"    {line}")
        if finding.remedy:
            screen.print(f"    {screen.paint(visible(finding.remedy), 'dim')}")
    return all(finding.level != "unsafe" for finding in findings)
