"""One outcome, shown to a person: how it ended, console, requests, messages, result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from isthmus.outcomes import Code, Exchange, Outcome, Problem, Status

from .screen import Screen, visible
from .units import bytes_text, ms_text

__all__ = ["STYLES", "headline", "mark", "show"]

STYLES: Final = {
    Status.DELIVERED: "green",
    Status.DROPPED: "cyan",
    Status.REFUSED: "red",
    Status.RETRY: "yellow",
}
_MARKS: Final = {Status.DELIVERED: "✓", Status.DROPPED: "○", Status.REFUSED: "✗", Status.RETRY: "↻"}
_LEVELS: Final = {"warn": "yellow", "error": "red", "notice": "magenta", "debug": "dim"}

# One token of JSON, as msgspec lays it out.
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)')


def mark(status: Status, screen: Screen) -> str:
    """A sign for a status."""
    return screen.paint(_MARKS[status], f"bold {STYLES[status]}")


def headline(outcome: Outcome, screen: Screen) -> str:
    """The handler, how it ended, and what it took."""
    words = [
        mark(outcome.status, screen),
        screen.paint(
            visible(outcome.handler) or "nothing ran, for its type is none of Segment's seven:", "bold"
        ),
        screen.paint(outcome.status.value, STYLES[outcome.status]),
    ]
    if outcome.problem is not None and outcome.problem.code.value != outcome.status.value:
        words.append(screen.paint(outcome.problem.code.value, "dim"))
    usage = outcome.usage
    took = f"in {ms_text(usage.wall)} ms · cpu {ms_text(usage.cpu)} ms · memory {bytes_text(usage.memory)}"
    if usage.fuel:
        took += f" · fuel {usage.fuel:,}"
    return f"{' '.join(words)}  {screen.paint(took, 'dim')}"


def show(outcome: Outcome, screen: Screen, *, bodies: bool = False, lines: int | None = None) -> None:
    """Print an outcome.

    Args:
        outcome: what to print.
        screen: where.
        bodies: with the headers and bodies of its requests.
        lines: of a JSON value at the most, None for all.
    """
    screen.print(headline(outcome, screen))
    if outcome.problem is not None:
        _title("dropped" if outcome.status is Status.DROPPED else "error", screen)
        _show_problem(outcome.problem, STYLES[outcome.status], screen)
    if outcome.logs:
        _title("console", screen)
        for log in outcome.logs:
            text = visible(log.text).replace("\n", "\n" + " " * 20)
            level = screen.paint(f"{log.level:<6}", _LEVELS.get(log.level, "blue"))
            screen.print(f"  {screen.paint(f'{ms_text(log.at):>7} ms', 'dim')}  {level}  {text}")
    if outcome.exchanges:
        _title("requests", screen)
        for exchange in outcome.exchanges:
            _show_exchange(exchange, screen, bodies=bodies, lines=lines)
    if outcome.messages:
        _title("messages to Segment", screen)
        for message in outcome.messages:
            _show_json(message, screen, indent=2, lines=lines)
    if any(item.problem is not None for item in outcome.items):
        _title("events of the batch", screen)
        for place, item in enumerate(outcome.items, 1):
            said = f"  {item.problem.name}: {item.problem.message}" if item.problem else ""
            screen.print(f"  {place:>4}  {mark(item.status, screen)} {item.status.value}{visible(said)}")
    if outcome.value is not None:
        _title("result", screen)
        _show_json(outcome.value, screen, indent=2, lines=lines)
    if outcome.tape:
        _title("tape", screen)
        screen.print(f"  {visible(outcome.tape)}")


def _title(text: str, screen: Screen) -> None:
    screen.print()
    screen.print(screen.paint(text, "bold"))


def _show_problem(problem: Problem, style: str, screen: Screen) -> None:
    name = screen.paint(visible(problem.name), f"bold {style}")
    screen.print(f"  {name}: {visible(problem.message)}" if problem.message else f"  {name}")
    if problem.code in {Code.FILTERED, Code.UNSUPPORTED_EVENT_TYPE}:
        return
    for line in problem.stack.splitlines():
        screen.print(screen.paint(f"      {visible(line.strip())}", "dim"))


def _show_exchange(exchange: Exchange, screen: Screen, *, bodies: bool, lines: int | None) -> None:
    status = exchange.status
    if status is None:
        # node-fetch's message begins with what stands before it here already.
        reason = exchange.error.removeprefix(f"request to {exchange.url} failed, reason: ")
        ending = screen.paint(visible(reason) or "no response", "red")
    else:
        ending = screen.paint(str(status), "green" if status < 300 else "yellow" if status < 500 else "red")
    sizes = f"{bytes_text(exchange.request_bytes)} out, {bytes_text(exchange.response_bytes)} in"
    took = screen.paint(f"{ms_text(exchange.duration)} ms · {sizes}", "dim")
    request = f"{screen.paint(visible(exchange.method), 'bold')} {visible(exchange.url)}"
    screen.print(f"  {request} → {ending}  {took}")
    if not bodies:
        return
    for arrow, headers, body, size in (
        (">", exchange.request_headers, exchange.request_body, exchange.request_bytes),
        ("<", exchange.response_headers, exchange.response_body, exchange.response_bytes),
    ):
        for name, value in headers:
            screen.print(f"    {arrow} {screen.paint(visible(name) + ':', 'cyan')} {visible(value)}")
        if body:
            _show_json(msgspec.Raw(body.encode()), screen, indent=4, lines=lines)
            if len(body.encode()) < size:
                screen.print(screen.paint(f"    … of {bytes_text(size)} in all", "dim"))


def _show_json(text: msgspec.Raw, screen: Screen, *, indent: int, lines: int | None) -> None:
    """Print JSON laid out; what is no JSON, such as a cut body, as it is."""
    try:
        shown = list(_compact(msgspec.json.format(bytes(text), indent=2).decode().splitlines(), screen.width))
        coloured = True
    except (ValueError, RecursionError):
        shown, coloured = bytes(text).decode(errors="replace").splitlines(), False
    for line in shown[:lines]:
        safe = visible(line)
        screen.print(
            " " * indent + (_TOKEN.sub(lambda token: _coloured(token, screen), safe) if coloured else safe)
        )
    if lines is not None and len(shown) > lines:
        screen.print(screen.paint(" " * indent + f"… {len(shown) - lines} more lines", "dim"))


def _compact(lines: list[str], width: int) -> Iterator[str]:
    """Put an object or an array without others in it on one line, where that is short enough."""
    place = 0
    while place < len(lines):
        line = lines[place]
        if line.endswith(("{", "[")):
            end = place + 1
            while end < len(lines) and not _brackets(lines[end]):
                end += 1
            inner = " ".join(each.strip() for each in lines[place + 1 : end])
            if end < len(lines) and lines[end].strip().rstrip(",") in {"}", "]"}:
                space = " " if line.endswith("{") else ""
                joined = f"{line}{space}{inner}{space}{lines[end].strip()}"
                if len(joined) <= min(width - 8, 100):
                    yield joined
                    place = end + 1
                    continue
        yield line
        place += 1


def _brackets(line: str) -> bool:
    """Whether a line opens or closes an object or an array that is not empty."""
    return line.endswith(("{", "[")) or line.strip().rstrip(",") in {"}", "]"}


def _coloured(token: re.Match[str], screen: Screen) -> str:
    text, colon, number, word = token.groups()
    if text is not None:
        return screen.paint(text, "cyan" if colon else "green") + (colon or "")
    return screen.paint(number, "magenta") if number else screen.paint(word, "yellow")
