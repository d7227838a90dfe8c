"""``isthmus replay``: a call from its tape, without network, and whether it goes as it went."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import trio

from isthmus import Function, TapeError, open_engine
from isthmus._taping.files import MOST_BYTES
from isthmus.outcomes import Status
from isthmus.tapes import Effect, Fetch, Replayed, Tape, decode

from .definition import find
from .effects import told, told_difference, told_divergence
from .faults import FAILED, OK, UsageFault
from .opening import in_trio
from .options import Parser, add_general, key_from
from .screen import Screen, visible
from .shown import show

__all__ = ["execute", "parser"]


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus replay",
        usage="isthmus replay TAPE [--step] [--with CODE] [options]",
        description="""
            Runs a recorded call again.  All that it asks of its host is answered from the tape, nothing goes
            out, and what came of it is compared with what came of it then.
        """,
        epilog="""
            examples:
              isthmus run my-orders --record tapes --record-failures
              isthmus replay tapes/20260301T120000-my-orders-onTrack-refused-1a2b3c4d.tape --step
              isthmus replay tapes/2026*.tape --with my-orders/function.js

            exit status: 0 all as on the tape (with --with: delivered or dropped), 1 it is not,
            2 a wrong call, or a tape that cannot be replayed, 3 the code does not load
        """,
    )
    parser.add_argument("tape", metavar="TAPE", help="file of the recorded call")
    parser.add_argument(
        "--step",
        action="store_true",
        help="show each effect in turn; on a terminal, wait for Enter after each (q and Enter: show the rest)",
    )
    parser.add_argument(
        "--with",
        dest="code",
        metavar="CODE",
        help="run this code, a file or a directory with a function.toml, in place of the recorded one",
    )
    parser.add_argument("--tape-key", metavar="FILE", help="file with the key of a sealed tape")
    parser.add_argument(
        "--verbose", "-v", action="store_true", help="with the headers and bodies of requests"
    )
    parser.add_argument("--json", action="store_true", help="print what came of it as one line of JSON")
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    tape = _read(arguments.tape, key_from(arguments.tape_key))
    screen = Screen(sys.stdout)
    if tape.head.truncated:
        if arguments.step:
            _walk(tape, [(effect, True) for effect in tape.effects], screen, bodies=arguments.verbose)
        raise TapeError("the call outgrew its tape, which cannot be replayed")
    async with open_engine(plugins=plugins) as engine:
        function: Function | None = None
        if arguments.code is not None:
            project = find(arguments.code)
            runtime = engine.runtime_of(tape.definition.function(b""))
            code = await trio.to_thread.run_sync(project.assemble, runtime)
            function = tape.definition.function(code)
        replayed = await engine.replay(tape, function)
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(_summary(replayed)).decode() + "\n")
        sys.stdout.flush()
    else:
        if arguments.step:
            _walk(tape, replayed.played, screen, bodies=arguments.verbose)
        _show(tape, replayed, screen, bodies=arguments.verbose)
    if arguments.code is not None:
        return OK if replayed.outcome.status in {Status.DELIVERED, Status.DROPPED} else FAILED
    return OK if replayed.identical else FAILED


def _read(name: str, key: bytes | None) -> Tape:
    path = Path(name)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageFault(f"{name} is too large for a tape: it has {path.stat().st_size} bytes")
        data = path.read_bytes()
    except OSError as exc:
        raise UsageFault(f"{name} cannot be read: {exc.strerror}") from None
    return decode(data, key)


def _summary(replayed: Replayed) -> dict[str, object]:
    return {
        "identical": replayed.identical,
        "divergence": replayed.divergence,
        "differences": replayed.differences,
        "notes": replayed.notes,
        "outcome": replayed.outcome,
        "effects": [{"on_tape": on_tape, "effect": effect} for effect, on_tape in replayed.played],
    }


# ---------------------------------------------------------------- for a person


def _walk(tape: Tape, played: Sequence[tuple[Effect, bool]], screen: Screen, *, bodies: bool) -> None:
    """Show one effect after the other."""
    waits = screen.terminal and sys.stdin.isatty()
    asked = {effect.number: effect for effect, _ in played if isinstance(effect, Fetch)}
    screen.print(screen.paint(f"{len(played)} effects, of {len(tape.effects)} on the tape", "bold"))
    for place, (effect, on_tape) in enumerate(played, 1):
        sign = screen.paint("✓", "green") if on_tape else screen.paint("✗", "red")
        screen.print(f"{place:>4}  {sign} {told(effect, screen, asked=asked, bodies=bodies)}")
        if waits and place < len(played):
            waits = sys.stdin.readline().strip().lower() != "q"
    screen.print()


def _show(tape: Tape, replayed: Replayed, screen: Screen, *, bodies: bool) -> None:
    head = tape.head
    recorded = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(head.at))
    what = f"{visible(head.handler)} of {visible(head.function)}"
    screen.print(f"{what}, recorded {recorded}, {head.status.value}; {visible(head.runtime)}")
    for note in replayed.notes:
        screen.print(screen.paint(f"  {visible(note)}", "dim"))
    if replayed.identical:
        screen.print(f"{screen.paint('✓', 'bold green')} replayed: all as on the tape")
    if replayed.divergence is not None:
        screen.print()
        told_divergence(replayed.divergence, screen)
    for difference in replayed.differences:
        told_difference(difference, screen)
    screen.print()
    show(replayed.outcome, screen, bodies=bodies, lines=None if bodies else 20)
