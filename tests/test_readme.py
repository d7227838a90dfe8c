"""What README shows is what happens."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from isthmus._cli.added import AddedCommands
from isthmus._cli.commands import COMMANDS, main

README = Path(__file__).parent.parent / "README.md"


def test_the_examples_in_python_run(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    said = []
    for block in blocks:
        script = tmp_path / "example.py"
        script.write_text(block)
        done = subprocess.run(
            [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.stderr == ""
        said.append(done.stdout)
    assert said == [
        'delivered {"hello":"u1","key":6}\n',
        "",  # a service, which tests/embedding/test_services.py runs
        "message_rejected: InvalidEventPayload: whose is it?\n",
    ]
    assert len((tmp_path / "archive.ndjson").read_text().splitlines()) == 2


def test_every_file_it_points_to_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text())
    assert targets
    assert [target for target in targets if not (README.parent / target).exists()] == []


def test_every_command_it_shows_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "\n".join(re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL))
    commands = re.findall(r"(?:^|&& )isthmus (.*?)(?= &&|  +#|$)", text, re.MULTILINE)
    statuses = {command: main(shlex.split(command)) for command in commands}
    assert len(statuses) > 5
    wrong = {command: status for command, status in statuses.items() if status != ("broken" in command)}
    assert wrong == {}, capfd.readouterr().err


def test_every_command_it_shows_is_one() -> None:
    shown = set(re.findall(r"(?:^|&& )isthmus ([a-z]+)", README.read_text(), re.MULTILINE))
    known = {*COMMANDS, *AddedCommands((), taken=COMMANDS).summaries}
    assert {"new", "run", "invoke"} <= shown <= known
