"""Which command is meant, and what is said where one fails."""

from __future__ import annotations

import argparse
import importlib
import io
import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from .faults import FAILED, INTERRUPTED, UNLOADABLE, USAGE, UsageFault

if TYPE_CHECKING:
    from .added import AddedCommands

__all__ = ["COMMANDS", "main"]

COMMANDS: Final = MappingProxyType(
    {
        "run": "run a function on files of events, and say what became of them",
        "invoke": "run a function once, and show all of the call",
        "replay": "run a recorded call again from its tape, and say whether it goes as it went",
        "test": "run a function on its sample, and compare with what is expected",
        "fuzz": "throw generated events at a function, and make what goes wrong small",
        "new": "make a directory with a function, its sample and a test",
        "check": "load a function, and say which handlers it has",
        "work": "carry the events of a pipeline to their destinations, until interrupted",
        "send": "accept the events of files into a pipeline's queue, for those that work on it",
        "queue": "count what waits in a storage of deliveries",
        "dead": "deliveries that were given up: list, show, export, retry, discard",
        "deliveries": "what became of deliveries, each with its attempts: list, show",
        "resend": "send events out of a pipeline's archive to destinations again",
        "plugins": "say what is installed: runtimes, fetchers, and why one is not used",
        "doctor": "say what is unsafe on this machine or in a queue's storage, and how to mend it",
    }
)
"""Each is a module of its name beside this one, imported when it is called; plugins add to them."""

_EXAMPLES: Final = """\
a first look:
  isthmus new destination my-orders --template orders
  isthmus run my-orders --sink endpoint
"""


class BuiltIn(Protocol):
    """What the module of a built-in command has."""

    def parser(self) -> argparse.ArgumentParser:
        """Make a parser of its arguments."""

    def execute(self, arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
        """Do what they say and give the exit status."""


def main(argv: Sequence[str] | None = None, *, plugins: Sequence[object] = ()) -> int:
    """Run a command and give its exit status.

    Args:
        argv: arguments, without the name of the program; those of the process by default.
        plugins: beside the installed ones; for tests.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every terminal has every character
    if not given or given[0] not in COMMANDS:
        return _not_built_in(given, plugins)
    name = given[0]
    command: BuiltIn = importlib.import_module(f".{name}", __package__)
    try:
        arguments = command.parser().parse_intermixed_args(given[1:])
    except SystemExit as exc:  # of --help, or of a wrong call
        return exc.code if isinstance(exc.code, int) else USAGE
    with _logging(debug=arguments.debug):
        try:
            return command.execute(arguments, plugins)
        except KeyboardInterrupt:
            return INTERRUPTED
        except BaseException as exc:  # noqa: BLE001 -- re-raised where it is nothing to tell in a sentence
            return _failed(name, _alone(exc), debug=arguments.debug)


def _not_built_in(given: Sequence[str], plugins: Sequence[object]) -> int:
    if given and given[0] in {"-V", "--version", "version"}:
        print(f"isthmus {_version()}")
        return 0
    from .added import AddedCommands

    with _logging(debug=False):
        added = AddedCommands(plugins, taken=COMMANDS)
    if not given or given[0] in {"-h", "--help", "help"}:
        print(_help(added), end="", file=sys.stdout if given else sys.stderr)
        return 0 if given else USAGE
    return _added_command(given, added)


def _added_command(given: Sequence[str], added: AddedCommands) -> int:
    from isthmus.errors import IsthmusError

    name = given[0]
    debug = "--debug" in given
    try:
        command = added.find(name)
        if command is None:
            return _no_such(name, [*COMMANDS, *added.summaries])
        parser = command.parser()
        if "--debug" not in parser._option_string_actions:  # noqa: SLF001 -- argparse has no other way to ask
            parser.add_argument("--debug", action="store_true", help="show tracebacks, and what is logged")
        with _logging(debug=debug):
            return command.execute(parser.parse_args(given[1:]))
    except SystemExit as exc:  # of --help, or of a wrong call
        return exc.code if isinstance(exc.code, int) else USAGE
    except (KeyboardInterrupt, IsthmusError, UsageFault) as exc:
        return _failed(name, exc, debug=debug)
    except Exception as exc:  # noqa: BLE001 -- the plugin's, and said so
        if debug:
            traceback.print_exception(exc)
        told = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
        print(f"isthmus {name}: the plugin {added.plugin_of(name)!r} failed: {told}", file=sys.stderr)
        return FAILED


def _no_such(name: str, names: Sequence[str]) -> int:
    import difflib

    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(names)}"
    what = "option" if name.startswith("-") else "command"
    print(f"isthmus: there is no {what} {name!r}; {hint} (see isthmus --help)", file=sys.stderr)
    return USAGE


def _help(added: AddedCommands) -> str:
    summaries = {**COMMANDS, **added.summaries}
    width = max(map(len, summaries)) + 2
    lines = [f"  {name:<{width}}{summary}" for name, summary in summaries.items()]
    return (
        "usage: isthmus COMMAND ... | isthmus --version\n\n"
        "Runs small functions other people wrote, on events other people sent, each call in a sealed\n"
        "world of its own.\n\n"
        "commands (isthmus COMMAND --help says more):\n" + "\n".join(lines) + f"\n\n{_EXAMPLES}"
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("isthmus")
    except PackageNotFoundError:
        return "(not installed)"


def _alone(exc: BaseException) -> BaseException:
    """The one exception in nested groups of one, which nurseries make."""
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    return exc


def _failed(name: str, exc: BaseException, *, debug: bool) -> int:
    from isthmus.errors import IsthmusError, LoadError

    if isinstance(exc, KeyboardInterrupt):
        return INTERRUPTED
    if not isinstance(exc, UsageFault | IsthmusError):
        raise exc
    if debug:
        traceback.print_exception(exc)
    from .screen import Screen, visible

    screen = Screen(sys.stderr)
    if isinstance(exc, LoadError):
        screen.print(f"{screen.paint('the function does not load', 'bold red')}\n{visible(str(exc))}")
        return UNLOADABLE
    screen.print(f"isthmus {name}: {visible(str(exc))}")
    return USAGE


@contextmanager
def _logging(*, debug: bool) -> Iterator[None]:
    """Send what the engine logs to standard error: in debugging all of it, else warnings, a line each."""
    logger = logging.getLogger("isthmus")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(levelname)s %(name)s: %(message)s" if debug else "%(name)s: %(message)s")
    )
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before
