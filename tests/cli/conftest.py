"""The command line called as a function, with functions that are Python callables of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from isthmus.__main__ import main


class Ran(NamedTuple):
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as NDJSON, in the order of the input."""
        return sorted((json.loads(line) for line in self.out.splitlines()), key=lambda line: line["line"])


Isthmus = Callable[..., Ran]


@pytest.fixture
def isthmus(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run a command within an empty directory and take what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*argv: str, plugins: Sequence[object] = ()) -> Ran:
        capfd.readouterr()
        status = main(argv, plugins=plugins)
        out, err = capfd.readouterr()
        return Ran(status, out, err)

    return run


def track(number: int, **properties: object) -> bytes:
    """A track event."""
    event = {"type": "track", "event": "Tested", "userId": f"u{number}", "properties": properties}
    return json.dumps(event).encode()
