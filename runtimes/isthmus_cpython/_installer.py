"""The installers of packages, uv and pip: how each is called for a directory of wheels, and what it says when it fails."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import trio

from isthmus.errors import EngineError, LoadError

from ._requirements import Requirements

__all__ = ["install"]

PATIENCE: Final = 600.0
"""Seconds that an installation may take, downloads included."""
MOST_SAID: Final = 1000
"""Characters of what an installer says that an error repeats."""

_CREDENTIALS: Final = re.compile(r"(?<=//)[^/\s]+@")
_COLOR: Final = re.compile(r"\x1b\[[0-9;]*m")


async def install(
    requirements: Requirements, directory: Path, python: str, *, builds: bool, offline: bool
) -> None:
    """Install what is required into an empty directory.

    Args:
        requirements: what.
        directory: where.
        python: the interpreter that is to import it.
        builds: source distributions too; their build scripts run as this process's user.
        offline: take only what the installer has in its cache, or in the directories it is configured with.

    Raises:
        EngineError: there is no installer.
        LoadError: it could not be installed; the message has what the installer said.
    """
    listed = directory.with_name(f"{directory.name}.txt")
    await trio.Path(listed).write_text(requirements.text(), encoding="utf-8")
    try:
        command = _command(listed, directory, python, builds=builds, offline=offline)
        with trio.move_on_after(PATIENCE) as scope:
            done = await trio.run_process(
                command,
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                start_new_session=True,
                # Where this process happens to be may be where the function's author has put a file that they heed:
                # "pip.py", which ``-m`` would find first, or a "uv.toml" that names another index.
                cwd=directory.parent,
                env={**os.environ, "PIP_REQUIRE_VIRTUALENV": "0", "NO_COLOR": "1"},
                deliver_cancel=_kill_group,
            )
    finally:
        listed.unlink(missing_ok=True)
    if scope.cancelled_caught:
        text = f"installing its packages took longer than {PATIENCE:g} s"
        raise LoadError(text, file=requirements.file)
    if done.returncode:
        raise _failure(requirements, (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace"))


def _command(listed: Path, directory: Path, python: str, *, builds: bool, offline: bool) -> list[str]:
    """The installer's command line; uv where there is one, as it is the quicker."""
    wheels = [] if builds else ["--only-binary", ":all:"]
    if uv := shutil.which("uv"):
        alone = ["--offline"] if offline else []
        options = ["--no-progress", "--compile-bytecode", "--link-mode", "copy", *wheels, *alone]
        return [
            uv,
            "pip",
            "install",
            "--python",
            python,
            "--target",
            str(directory),
            "-r",
            str(listed),
            *options,
        ]
    if importlib.util.find_spec("pip") is None:
        raise EngineError(
            "a function requires packages, and there is neither uv on PATH nor pip to install them"
        )
    alone = ["--no-index"] if offline else []
    options = [
        "--no-input",
        "--no-warn-script-location",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
    ]
    pip = [sys.executable, "-P", "-m", "pip", "--python", python, "install"]
    return [*pip, "--target", str(directory), "-r", str(listed), *options, *wheels, *alone]


async def _kill_group(process: subprocess.Popen[bytes] | trio.Process) -> None:
    # pip starts itself anew under the interpreter that it installs for.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _errors_among(lines: list[str]) -> list[str]:
    """What is an error, out of all that was said: pip marks each such line, uv comes to it in the end."""
    if marked := [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]:
        return marked
    first = next((number for number, line in enumerate(lines) if line.startswith(("error:", "×"))), 0)
    return [line.removeprefix("error:").lstrip("×╰─▶│ ") for line in lines[first:]]


def _failure(requirements: Requirements, said: str) -> LoadError:
    """The error that an installer's words make, at the line of the requirement that they name."""
    lines = [_COLOR.sub("", line).strip() for line in said.splitlines()]
    text = _CREDENTIALS.sub("", " ".join(_errors_among([line for line in lines if line])))
    if len(text) > MOST_SAID:
        text = f"{text[:MOST_SAID]}..."
    named = [
        name for name in requirements.places if re.search(rf"(?i)(?<![\w.-]){re.escape(name)}(?![\w-])", text)
    ]
    line = requirements.places[named[0]] if len(named) == 1 else None
    return LoadError(f"its packages cannot be installed: {text}", file=requirements.file, line=line)
