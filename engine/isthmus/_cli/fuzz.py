"""``isthmus fuzz``: generated events at a function, and of each flaw the smallest event that shows it."""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from isthmus._linetrace import LineTrace
from isthmus.cachedir import cache_directory
from isthmus.functions import SettingType
from isthmus.testing import Lab, open_lab
from isthmus.testing._lab import values_for
from isthmus.testing._thread import engine_thread
from isthmus.testing.cases import DIRECTORY, Case, write_case
from isthmus.testing.http import SINK_URL

from . import units
from .coverage import add_coverage, tell_coverage, wants_coverage
from .definition import Project
from .faults import FAILED, OK, UsageFault
from .opening import project_of
from .options import Parser, add_calls, add_definition, limits_of
from .screen import Screen, visible
from .values import gather

if TYPE_CHECKING:
    from isthmus.testing._fuzzing import Finding

__all__ = ["execute", "parser"]

WALL: Final = 5.0
CPU: Final = 1.0
"""Seconds of a call's own code, less than usual: what does not end is tried many times before it is the smallest."""

_SAMPLES: Final = 200
_SHOWN: Final = 2000

_STAND_INS: Final[Mapping[SettingType, object]] = {
    SettingType.STRING: SINK_URL,  # most that are required are URLs or keys, and a URL will do as a key
    SettingType.BOOLEAN: True,
    SettingType.ARRAY: ["one", "two"],
    SettingType.TEXT_MAP: {"one": "1"},
}


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus fuzz",
        usage="isthmus fuzz FUNCTION [--examples N | --minutes M] [--seed S] [options]",
        description="""
            Throws events at a function, valid and nearly valid ones, made of its own words and of its sample's; for a
            source function webhooks.  Requests get generated responses, errors among them; nothing leaves the machine.
            A flaw is an error that is none of Segment's classes, a limit that is reached, a returned value
            that JSON cannot hold, or another answer to the same call.  Each is made as small as it gets, shown, and
            written as a case that isthmus test runs.

            It needs Hypothesis: pip install 'isthmus[testing]'.
        """,
        epilog="""
            examples:
              isthmus fuzz my-orders
              isthmus fuzz my-orders --minutes 5 --ignore FetchError
              isthmus fuzz my-orders --seed 7         goes the way that --seed 7 went before

            exit status: 0 nothing was found, 1 something was, 2 a wrong call, 3 the function does not load
        """,
    )
    add_definition(parser)
    group = parser.add_argument_group("the hunt")
    group.add_argument("--examples", metavar="N", type=units.count, help="events to try (default: 500)")
    group.add_argument("--minutes", metavar="M", type=float, help="how long to try, in place of --examples")
    group.add_argument("--seed", metavar="S", type=int, help="where generation begins (default: anywhere)")
    group.add_argument(
        "--ignore",
        metavar="NAME",
        action="append",
        default=[],
        help="an error that is no flaw; may be repeated",
    )
    group.add_argument("--no-cases", action="store_true", help="write no cases")
    add_coverage(parser)
    add_calls(parser)
    return parser


def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    if arguments.examples and arguments.minutes is not None:
        raise UsageFault("--examples and --minutes exclude each other")
    if arguments.minutes is not None and not 0 < arguments.minutes < 10_000:
        raise UsageFault("--minutes takes a number above 0")
    try:
        from hypothesis.configuration import set_hypothesis_home_dir

        from isthmus.testing._fuzzing import hunt
    except ImportError:
        raise UsageFault("it needs Hypothesis: pip install 'isthmus[testing]'") from None
    set_hypothesis_home_dir(cache_directory() / "hypothesis")  # and not the directory that somebody is in
    screen = Screen(sys.stdout)
    project = project_of(arguments)
    given = gather(
        project.settings,
        file=arguments.settings,
        environ=os.environ,
        prefix=arguments.env_prefix,
        pairs=arguments.pairs,
        below={},
    )
    values = values_for(project, given)
    stand_ins = {
        definition.name: _STAND_INS[definition.type]
        for definition in project.settings or ()
        if definition.required and definition.name not in values
    }
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed  # noqa: S311 -- no secret
    lab, trace = Lab(), LineTrace()
    limits = limits_of(arguments, wall=WALL, cpu=CPU)
    with engine_thread(partial(open_lab, lab, plugins=plugins, limits=limits)) as thread:
        found = hunt(
            thread,
            lab,
            project,
            {**values, **stand_ins},
            examples=arguments.examples or 500,
            minutes=arguments.minutes,
            seed=seed,
            samples=_samples(project),
            ignored=frozenset(arguments.ignore),
            trace=trace if wants_coverage(arguments) else None,
            kind=arguments.kind,
            language=arguments.language,
        )
    for finding in found.findings:
        _show(finding, screen)
        if not arguments.no_cases:
            screen.print(
                f"    written to {visible(str(_write(project, finding, stand_ins)))}: isthmus test runs it"
            )
    what = f"{len(found.findings) or 'no'} flaw{'s' * (len(found.findings) != 1)}"
    sign = screen.paint("✗", "bold red") if found.findings else screen.paint("✓", "bold green")
    screen.print(f"{sign} {what} in {found.examples} examples (--seed {found.seed})")
    if wants_coverage(arguments):
        tell_coverage(arguments, [(project, trace)], screen)
    return FAILED if found.findings else OK


def _samples(project: Project) -> list[dict[str, Any]]:
    """Events that the function is known to take: those of its sample and of its cases."""
    texts: list[bytes] = []
    if sample := project.sample_file(project.manifest.sample.events):
        texts += _read(Path(sample)).splitlines()
    found: list[dict[str, Any]] = []
    for text in texts[:_SAMPLES]:
        try:
            found.append(msgspec.json.decode(text, type=dict[str, Any]))
        except (msgspec.DecodeError, RecursionError):
            continue
    for path in sorted((project.root / DIRECTORY).glob("*.json"))[:_SAMPLES]:
        try:
            case = msgspec.json.decode(_read(path), type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            continue
        found += [event for event in [case.get("event")] if isinstance(event, dict)]
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _show(finding: Finding, screen: Screen) -> None:
    screen.print(f"{screen.paint('✗', 'bold red')} {visible(finding.flaw.text)}")
    for line in finding.flaw.stack.splitlines():
        screen.print(f"    {visible(line.strip())}")
    case = finding.case
    what = "batch" if case.events is not None else "webhook" if bytes(case.request) else "event"
    value = (
        msgspec.json.encode(case.events)
        if case.events is not None
        else bytes(case.request) or bytes(case.event)
    )
    text = msgspec.json.format(value, indent=2).decode()
    screen.print(f"    the smallest {what}:")
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
    screen.print("\n".join(f"    {line}" for line in visible(shown).splitlines()))
    for response in case.responses:
        came = response.error or f"{response.status} {bytes(response.body).decode('utf-8', 'replace')[:100]}"
        screen.print(f"    {visible(f'{response.method} {response.url} got {came}')}")


def _write(project: Project, finding: Finding, stand_ins: Mapping[str, object]) -> Path:
    word = re.sub(r"[^a-z0-9]+", "-", " ".join(finding.flaw.key.lower().split()[:2])).strip("-")
    mark = hashlib.sha256(finding.flaw.key.encode()).hexdigest()[:6]
    path = project.root / DIRECTORY / f"fuzz-{word}-{mark}.json"
    case: Case = msgspec.structs.replace(
        finding.case,
        description=f"Found by isthmus fuzz: {finding.flaw.text[:200]}",
        settings=dict(stand_ins),
        sound=True,
    )
    try:
        path.parent.mkdir(exist_ok=True)
        write_case(path, case)
    except OSError as exc:
        raise UsageFault(f"{path} cannot be written: {exc.strerror}") from None
    return path
