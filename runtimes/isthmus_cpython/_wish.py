"""What the operator wants of Python's isolation, by the environment; read before any of the runtime is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

__all__ = ["AIM", "REQUIRE", "wants_wasm"]

AIM: Final = "ISTHMUS_PYTHON_ISOLATION"
REQUIRE: Final = "ISTHMUS_PYTHON_REQUIRE_ISOLATION"


def wants_wasm(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether every Python function is to run within WebAssembly (``isthmus_cpython_wasm``)."""
    return "wasm" in {environment.get(AIM), environment.get(REQUIRE)}
