"""``python -m benchmarks`` lists the benches; ``python -m benchmarks NAME`` runs one, ``--help`` says how."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path


def names() -> list[str]:
    here = [str(Path(__file__).parent)]
    return sorted(module.name for module in pkgutil.iter_modules(here) if not module.name.startswith("_"))


def main() -> int:
    known = names()
    if len(sys.argv) < 2 or sys.argv[1] not in known:
        print("python -m benchmarks NAME [--json] [--quick]\n")
        for name in known:
            summary = (importlib.import_module(f"benchmarks.{name}").__doc__ or "").partition("\n")[0]
            print(f"  {name:12}{summary}")
        return 0 if len(sys.argv) < 2 else 2
    status: int = importlib.import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2:])
    return status


if __name__ == "__main__":
    sys.exit(main())
