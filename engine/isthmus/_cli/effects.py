"""Effects of a call and where a replay left its tape, told to a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from isthmus.messages import FetchRequest, FetchResponse
from isthmus.tapes import (
    Answer,
    Answered,
    CacheDelete,
    CacheFail,
    CacheLoad,
    CacheStore,
    Capability,
    Difference,
    Divergence,
    Drawn,
    Effect,
    Failed,
    Fetch,
    Found,
    Passed,
    Responded,
    Sleep,
)

from .screen import Screen, visible
from .units import bytes_text, ms_text

__all__ = ["told", "told_difference", "told_divergence"]

LONGEST = 400
"""Characters shown of a text that stands on one line."""


def told(
    effect: Effect | Drawn, screen: Screen, *, asked: Mapping[int, Fetch] | None = None, bodies: bool = False
) -> str:
    """An effect in one line, or, with its headers and bodies, in several.

    Args:
        effect: what was asked, answered or told.
        screen: that it is painted for.
        asked: requests, by number, so that an answer says to what.
        bodies: with headers and bodies.
    """
    match effect:
        case Fetch(number=number, request=request):
            line = f"{_number(number, screen)} {_request(request, screen)}"
            return _with(line, _request_lines(request), screen) if bodies else line
        case Sleep(number=number, seconds=seconds):
            return f"{_number(number, screen)} {screen.paint('wait', 'bold')} {ms_text(seconds)} ms"
        case CacheLoad(number=number, key=key):
            return f"{_number(number, screen)} {screen.paint('cache load', 'bold')} {_short(key)}"
        case Capability(number=number, name=name, argument=argument):
            return f"{_number(number, screen)} {screen.paint(visible(name), 'bold')} {_short(argument)}"
        case CacheStore(key=key, value=value):
            return f"     {screen.paint('cache store', 'bold')} {_short(key)} = {_short(value)}"
        case CacheFail(key=key):
            return f"     {screen.paint('cache fail', 'bold')} {_short(key)}"
        case CacheDelete(key=key):
            return f"     {screen.paint('cache delete', 'bold')} {_short(key)}"
        case Answered(number=number, answer=answer):
            line = f"{_number(number, screen)} {screen.paint('←', 'cyan')} {_answer(answer, screen)}"
            if (question := (asked or {}).get(number)) is not None:
                line += screen.paint(f"  to {visible(question.request.url)}", "dim")
            if bodies and isinstance(answer, Responded):
                return _with(line, _response_lines(answer.response), screen)
            return line
        case Passed(seconds=seconds):
            return screen.paint(f"     the world goes on, {ms_text(seconds)} ms after its start", "dim")
        case Drawn(what=what, answer=drawn):
            return f"     {screen.paint('drawn', 'bold')} {visible(what)}, {bytes_text(len(drawn))}"


def told_divergence(divergence: Divergence, screen: Screen) -> None:
    """Print where a replay left its tape."""
    expected, came = divergence.expected, divergence.came
    of = "of what was drawn" if isinstance(expected or came, Drawn) else "effect"
    screen.print(screen.paint(f"first divergence, at {of} {divergence.at + 1}", "bold yellow"))
    screen.print(f"  tape  {told(expected, screen) if expected else 'the call asked for nothing more'}")
    screen.print(f"  now   {told(came, screen) if came else 'the call asks for nothing, or has ended'}")
    if isinstance(expected, Fetch) and isinstance(came, Fetch):
        before, after = [*_request_lines(expected.request)], [*_request_lines(came.request)]
        for line in before:
            if line not in after:
                screen.print(screen.paint(f"    - {_short(line)}", "red"))
        for line in after:
            if line not in before:
                screen.print(screen.paint(f"    + {_short(line)}", "green"))


def told_difference(difference: Difference, screen: Screen) -> None:
    """Print in what an outcome differs."""
    screen.print(screen.paint(f"another {difference.part}", "bold yellow"))
    screen.print(f"  tape  {_short(bytes(difference.expected))}")
    screen.print(f"  now   {_short(bytes(difference.came))}")


def _number(number: int, screen: Screen) -> str:
    return screen.paint(f"#{number:<3}" if number > 0 else "    ", "dim")


def _request(request: FetchRequest, screen: Screen) -> str:
    size = f"{bytes_text(len(request.body))} out" if request.body else "no body"
    return (
        f"{screen.paint(visible(request.method), 'bold')} {visible(request.url)}  {screen.paint(size, 'dim')}"
    )


def _answer(answer: Answer, screen: Screen) -> str:
    match answer:
        case Responded(response=response):
            style = "green" if response.status < 300 else "yellow" if response.status < 500 else "red"
            size = screen.paint(f"{bytes_text(len(response.body))} in", "dim")
            return f"{screen.paint(str(response.status), style)} {visible(response.reason)} {size}"
        case Failed(message=message):
            return screen.paint(_short(message), "red")
        case Found(value=None):
            return "nothing"
        case Found(value=value):
            return _short(value or b"")
        case _:
            return "done"


def _request_lines(request: FetchRequest) -> Iterator[str]:
    yield f"{request.method} {request.url}"
    yield from (f"{name}: {value}" for name, value in request.headers)
    if request.body is not None:
        yield request.body.decode("utf-8", "replace")


def _response_lines(response: FetchResponse) -> Iterator[str]:
    yield from (f"{name}: {value}" for name, value in response.headers)
    if response.body:
        yield response.body.decode("utf-8", "replace")


def _with(line: str, more: Iterator[str], screen: Screen) -> str:
    return "\n".join([line, *(screen.paint(f"            {_short(each)}", "dim") for each in more)])


def _short(text: str | bytes) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return visible(shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…")
