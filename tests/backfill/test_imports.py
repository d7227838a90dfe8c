"""What a process does not need it does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("imported", "spared"),
    [
        ("isthmus_backfill", {"isthmus_backfill._command", "isthmus_backfill._carrier", "argparse"}),
        ("isthmus_backfill._process, isthmus_backfill._run", {"pyarrow", "ray", "distributed", "rich"}),
    ],
)
def test_what_is_heavy_is_imported_where_it_is_needed(imported: str, spared: set[str]) -> None:
    code = f"import {imported}, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "isthmus_backfill" in done.stdout.split()
    assert spared & set(done.stdout.split()) == set()
