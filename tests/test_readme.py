"""What README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from isthmus._cli.commands import COMMANDS

README = Path(__file__).parent.parent / "README.md"


def test_the_embedding_example_runs(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    script = tmp_path / "embedding.py"
    script.write_text(block)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ('delivered {"hello":"u1","key":6}\n', "")


def test_every_file_it_points_to_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text())
    assert targets
    assert [target for target in targets if not (README.parent / target).exists()] == []


def test_every_command_it_shows_is_one() -> None:
    shown = set(re.findall(r"(?:^|&& )isthmus ([a-z]+)", README.read_text(), re.MULTILINE))
    assert {"new", "run", "invoke"} <= shown <= set(COMMANDS)
