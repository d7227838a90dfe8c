"""``isthmus check``: whether a function loads, and what it has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

import trio

from isthmus import open_engine
from isthmus._rules.dispatch import EVENT_HANDLERS, HANDLERS
from isthmus.functions import Kind

from .faults import OK
from .opening import in_trio, load_bare, project_of
from .options import Parser, add_definition, add_general, add_limits, limits_of
from .screen import Cell, Screen, visible
from .units import bytes_text, ms_text

__all__ = ["execute", "parser"]

_ORDER: Final = ("onRequest", *EVENT_HANDLERS.values(), "onBatch")


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus check",
        usage="isthmus check FUNCTION [options]",
        description="""
            Loads a function and says which handlers it has.  Of code that does not load it shows the
            place: file, line, column, and the line itself.
        """,
        epilog="""
            examples:
              isthmus check my-orders
              isthmus check track.js --kind insert

            exit status: 0 it loads, 2 a wrong call, 3 it does not load
        """,
    )
    add_definition(parser)
    add_limits(parser)
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stdout)
    project = project_of(arguments)
    async with open_engine(plugins=plugins, limits=limits_of(arguments)) as engine:
        begun = trio.current_time()
        instance = await load_bare(engine, project, kind=arguments.kind, language=arguments.language)
        took = trio.current_time() - begun
        function = instance.function
        isolation = engine.runtime_of(function).isolation
    screen.print(f"{screen.paint(visible(function.name), 'bold')} loads, in {ms_text(took)} ms")
    screen.print()
    order = [name for name in _ORDER if name in instance.handlers]
    rows: list[list[Cell]] = [
        [("kind", "dim"), function.kind.value],
        [("language", "dim"), function.language],
        [("isolation", "dim"), isolation or "its runtime says nothing of it"],
        [("code", "dim"), f"{function.file} · {bytes_text(len(function.code))}"],
        [("handlers", "dim"), (", ".join(order) or "none", "green" if order else "red")],
    ]
    allowed = HANDLERS[function.kind]
    if strange := [name for name in order if name not in allowed]:
        rows.append([("unused", "dim"), (f"{', '.join(strange)}: not of a {function.kind.value}", "yellow")])
    if function.kind is not Kind.SOURCE:
        missing = [name for name in _ORDER if name in allowed and name not in {*order, "onBatch"}]
        rows.append([("unsupported", "dim"), ", ".join(missing) or "no type of event"])
    for definition in function.settings:
        traits = [definition.type.value]
        traits += ["required"] if definition.required else []
        traits += ["sensitive"] if definition.sensitive else []
        rows.append([("setting", "dim"), f"{visible(definition.name)} · {', '.join(traits)}"])
    screen.table(rows)
    return OK
