"""Interpreters that are not there, or are none: said when something is loaded, and to whoever only asks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from isthmus import Function, Kind, Limits
from isthmus.errors import RuntimeFault
from isthmus_cpython import CPythonRuntime


@pytest.fixture
def interpreters(tmp_path: Path) -> dict[str, str]:
    """By what is to be said of them."""
    broken, silent = tmp_path / "broken", tmp_path / "silent"
    broken.write_text("#!/bin/sh\necho first >&2\necho 'no such thing as Python' >&2\nexit 3\n")
    silent.write_text("#!/bin/sh\nexit 0\n")
    for script in (broken, silent):
        script.chmod(0o755)
    return {
        "no such thing as Python": str(broken),
        "it said nothing": str(silent),
        "No such file or directory": str(tmp_path / "absent"),
    }


async def test_what_it_said_is_told(interpreters: dict[str, str]) -> None:
    function = Function(name="f", kind=Kind.DESTINATION, language="python", code="def on_track(e, s): pass")
    for said, python in interpreters.items():
        with pytest.raises(RuntimeFault, match=said):
            await CPythonRuntime(python=python).load(function, Limits())
        asked = CPythonRuntime(python=python).isolation
        assert "limits of time and memory alone" in asked
        assert said in asked


async def test_one_that_is_named_is_used() -> None:
    runtime = CPythonRuntime(python=sys.executable, require_isolation="process", ready=0)
    function = Function(name="f", kind=Kind.DESTINATION, language="python", code="def on_track(e, s): pass")
    program = await runtime.load(function, Limits())
    assert program.handlers == {"onTrack"}
    await program.aclose()
