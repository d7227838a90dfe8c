"""What holds for a Python function holds within WebAssembly: the same tests."""

from __future__ import annotations

from tests.cpython.test_contract import *  # noqa: F403
