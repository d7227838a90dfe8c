"""What engine/README.md shows of embedding is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent.parent / "engine" / "README.md"


def test_the_capability_it_shows_works(tmp_path: Path) -> None:
    section = README.read_text().partition("## In your own service")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (tmp_path / "example.py").write_text(block)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout == "717710\nno city Atlantis\n"
