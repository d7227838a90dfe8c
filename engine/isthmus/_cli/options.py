"""Arguments that several commands take, and parsers that answer a wrong call in one line."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

import msgspec

from isthmus.abc import Egress
from isthmus.limits import Limits

from . import units
from .faults import UsageFault
from .values import ENV_PREFIX

if TYPE_CHECKING:
    from isthmus.tapes import Recording

__all__ = [
    "Parser",
    "add_calls",
    "add_definition",
    "add_from_line",
    "add_general",
    "add_grace",
    "add_limits",
    "add_recording",
    "egress_of",
    "key_from",
    "limits_of",
    "recording_of",
]

_LIMIT_HELP: Final = {
    "wall": "time of one call, fetches included",
    "cpu": "time its own code may run",
    "memory": "memory of one call's world",
    "log_bytes": "console output kept per call",
    "fetches": "requests one call may start",
    "fetch_request_bytes": "body of one request",
    "fetch_response_bytes": "body of one response",
    "input_bytes": "one event, batch or webhook",
    "output_bytes": "what one call returns or sends",
    "operations": "fetches and timers that wait at once",
    "trace_bytes": "of each body kept in the trace",
    "capabilities": "uses of capabilities",
    "capability_bytes": "of JSON that one use of a capability may hand over, and get",
}
_COUNTS: Final = frozenset({"fetches", "operations", "capabilities"})


@final
class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and leaves the rest to ``--help``."""

    def __init__(self, **options: Any) -> None:
        for text in ("description", "epilog"):
            options[text] = textwrap.dedent(options.get(text, "")).strip()
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def add_definition(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """FUNCTION, or several of them, and what else there is to know of it."""
    parser.add_argument(
        "function",
        metavar="FUNCTION",
        nargs="+" if several else None,
        help="file of the function, or a directory with a function.toml",
    )
    parser.add_argument(
        "--kind",
        metavar="KIND",
        help="source, destination, insert or source_insert (default: as defined; else a function with "
        "onRequest is a source, any other a destination)",
    )
    parser.add_argument(
        "--definition", metavar="FILE", help="its definition (default: the function.toml beside it)"
    )
    parser.add_argument(
        "--language", metavar="NAME", default="", help="its language (default: by the file's suffix)"
    )


def add_calls(parser: argparse.ArgumentParser) -> None:
    """What every command takes that calls a function: settings, egress, limits."""
    _add_settings(parser)
    _add_egress(parser)
    add_limits(parser)
    add_general(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Where setting values come from."""
    group = parser.add_argument_group("settings")
    group.add_argument("--settings", metavar="FILE", help="values from a JSON file, or TOML by its suffix")
    group.add_argument(
        "--set",
        metavar="NAME=VALUE",
        dest="pairs",
        action="append",
        default=[],
        help="one value, JSON or text; wins over the environment, and that over --settings",
    )
    group.add_argument(
        "--env-prefix",
        metavar="PREFIX",
        default=ENV_PREFIX,
        help=f"environment variables that are settings begin with it (default: {ENV_PREFIX})",
    )


def _add_egress(parser: argparse.ArgumentParser) -> None:
    """Where requests may go."""
    group = parser.add_argument_group("requests of the function")
    group.add_argument(
        "--sink",
        metavar="SETTING",
        nargs="?",
        const="",
        help="start a local HTTP server, give its URL to this setting (default: the one that function.toml "
        "names), and let requests go there and nowhere else",
    )
    group.add_argument(
        "--replies", metavar="FILE", help="what the sink answers (default: as function.toml names)"
    )
    group.add_argument(
        "--allow",
        metavar="HOST",
        action="append",
        default=[],
        help="let requests reach only this host, *.suffix, address or network, each with an optional :port; "
        "may be repeated",
    )
    group.add_argument(
        "--deny", metavar="HOST", action="append", default=[], help="let no request reach it; may be repeated"
    )
    group.add_argument(
        "--allow-private", action="store_true", help="let requests reach private and loopback addresses"
    )
    group.add_argument("--proxy", metavar="URL", help="HTTP or SOCKS proxy all requests leave through")


def add_limits(parser: argparse.ArgumentParser) -> None:
    """One option for each field of :class:`isthmus.Limits`."""
    group = parser.add_argument_group("limits of one call", "Durations like 500ms or 2s, sizes like 64M.")
    for name, default in zip(Limits.__struct_fields__, Limits.__struct_defaults__, strict=True):
        if isinstance(default, float):
            metavar, read, shown = "TIME", units.seconds, f"{default:g}s"
        elif name in _COUNTS:
            metavar, read, shown = "N", units.whole, str(default)
        else:
            metavar, read, shown = "SIZE", units.size, units.bytes_text(default)
        group.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=metavar,
            type=read,
            default=None,
            help=f"{_LIMIT_HELP[name]} (default: {shown})",
        )


def add_from_line(parser: argparse._ActionsContainer) -> None:
    """Where reading begins in the first of several files."""
    parser.add_argument(
        "--from-line",
        metavar="N",
        type=units.count,
        default=1,
        help="leave out what is before it in the first file",
    )


def add_grace(parser: argparse._ActionsContainer) -> None:
    """How long an interrupt waits for what has begun."""
    parser.add_argument(
        "--grace",
        metavar="TIME",
        type=units.seconds,
        default=10.0,
        help="how long what is under way may go on after Ctrl-C or SIGTERM (default: 10s)",
    )


def add_recording(parser: argparse.ArgumentParser) -> None:
    """Which calls are recorded, and where their tapes go."""
    group = parser.add_argument_group("tapes, for isthmus replay")
    group.add_argument("--record", metavar="DIR", help="keep a tape of each call there")
    group.add_argument(
        "--record-failures", action="store_true", help="only of calls that are refused or to be tried again"
    )
    group.add_argument(
        "--tape-key",
        metavar="FILE",
        help="seal them with the key in this file, 32 bytes in Base64 or hexadecimal, and keep the sensitive "
        "settings' values in them (default: placeholders)",
    )


def recording_of(arguments: argparse.Namespace) -> Recording | None:
    """The recording that was asked for, None where there is to be none.

    Raises:
        UsageFault: the options do not fit each other, or the key is none.
    """
    if getattr(arguments, "record", None) is None:
        if getattr(arguments, "record_failures", False) or getattr(arguments, "tape_key", None):
            raise UsageFault("--record-failures and --tape-key need --record DIR")
        return None
    from isthmus.tapes import Recording, directory

    return Recording(
        keep=directory(arguments.record),
        failures_only=arguments.record_failures,
        key=key_from(arguments.tape_key),
    )


def key_from(file: str | None) -> bytes | None:
    """The key of tapes in a file, None for no file.

    Raises:
        UsageFault: it cannot be read.
        TapeError: it holds no key.
    """
    if file is None:
        return None
    from isthmus.tapes import key_of

    try:
        return key_of(Path(file).read_text("ascii"))
    except OSError as exc:
        raise UsageFault(f"{file} cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise UsageFault(f"{file} holds no key in text") from None


def add_general(parser: argparse.ArgumentParser) -> None:
    """What every command takes."""
    parser.add_argument("--debug", action="store_true", help="show tracebacks, and what the engine logs")


def limits_of(arguments: argparse.Namespace, **raised: float) -> Limits:
    """The limits that were asked for.

    Args:
        arguments: parsed.
        raised: other defaults.
    """
    given = {
        name: value for name in Limits.__struct_fields__ if (value := getattr(arguments, name)) is not None
    }
    return msgspec.structs.replace(Limits(), **(raised | given))


def egress_of(arguments: argparse.Namespace, sink: str | None) -> Egress:
    """The rules that were asked for.

    Args:
        arguments: parsed.
        sink: address and port of the sink, or None; with one, nothing else may be reached unasked.
    """
    allow = (*([sink] if sink else []), *arguments.allow)
    return Egress(
        allow_private=arguments.allow_private,
        allow=() if sink and arguments.allow_private and not arguments.allow else allow,
        deny=tuple(arguments.deny),
        proxy=arguments.proxy,
    )
