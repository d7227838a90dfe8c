"""For every folder of tests."""

from __future__ import annotations

import os

# Hundreds of processes are started: where bytecode may not be kept, each compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
