"""Pages as text: Jinja's templates, in which everything is escaped that is not a template's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

import jinja2
import msgspec

from . import charts

__all__ = ["Rendering"]

TEMPLATES: Final = Path(__file__).parent / "templates"
MINUTE, HOUR, DAY = 60, 3600, 86_400


@final
class Rendering:
    """Makes pages.

    Args:
        root: path that the console's pages are below, without a slash at its end.
        assets: addresses of what pages are made with, by ``style``, ``icon`` and ``script``; without a script pages say so.
        clock: seconds since the epoch.

    Attributes:
        root: see there.
    """

    def __init__(self, root: str, assets: Mapping[str, str], clock: Callable[[], float]) -> None:
        self.root = root
        self._clock = clock
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals |= {"root": root, "assets": dict(assets), "charts": charts}
        environment.filters |= {
            "ago": self._ago,
            "count": lambda number: f"{number:,}",
            "day": lambda at: f"{_moment(at):%-d %b %Y}",
            "iso": lambda at: _moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "milliseconds": _milliseconds,
            "moment": lambda at: f"{_moment(at):%-d %b %Y, %H:%M:%S}",
            "pretty": _pretty,
            "words": lambda name: str(name).replace("_", " ").lower(),
        }
        self._environment = environment

    def text(self, template: str, /, **values: object) -> str:
        """A template, filled in."""
        return self._environment.get_template(template).render(values)

    def _ago(self, at: float) -> str:
        """How long ago a time in seconds was, in words."""
        past = self._clock() - at
        for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
            if past >= unit:
                number = int(past // unit)
                return f"{number} {name}{'' if number == 1 else 's'} ago"
        return "just now" if past >= -MINUTE else "to come"


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _milliseconds(seconds: float) -> str:
    """A span of time as people read it."""
    if seconds < 1:
        return f"{seconds * 1000:.{1 if seconds < 0.01 else 0}f} ms"
    if seconds < 2 * MINUTE:
        return f"{seconds:.{2 if seconds < 10 else 0}f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.0f} h"


def _pretty(text: str | bytes) -> str:
    """JSON with one field a line; what is no JSON as it is."""
    given = text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)
    try:
        formatted: bytes = msgspec.json.format(given, indent=2)
        return formatted.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return given.decode("utf-8", "replace")
