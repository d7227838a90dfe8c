"""The benchmarks run, whatever their figures are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bench", "cases"),
    [
        ("call", 11),
        ("crypto", 3),
        ("intl", 7),
        ("libraries", 4),
        ("nats", 10),
        ("wasm", 4),
        ("queue", 6),
        ("python", 7),
        ("python_wasm", 5),
        ("pipeline", 5),
        ("journals", 5),
    ],
)
def test_every_case_of_a_quick_run_has_a_figure(bench: str, cases: int) -> None:
    command = [sys.executable, "-m", "benchmarks", bench, "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({line["case"] for line in lines}) == len(lines) >= cases
    assert all(line["median_us"] > 0 for line in lines)
