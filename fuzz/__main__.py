"""``python -m fuzz --replay`` holds the corpus against its targets; ``python -m fuzz TARGET --minutes N`` hunts.

Replaying needs nothing but the project.  Hunting needs atheris, which follows what an input reaches.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from fuzz import targets

CORPUS = Path(__file__).parent / "corpus"
INSTRUMENTED = [
    "isthmus",
    "isthmus_quickjs",
    "isthmus_cpython",
    "isthmus_cpython_wasm",
    "isthmus_wasmtime",
    "isthmus_fetch",
    "isthmus_server",
    "isthmus_sqlite",
]
LONGEST = 10
"""Seconds after which an input counts as one that never ends."""


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(targets.__path__))


def target(name: str) -> Callable[[bytes], None]:
    check: Callable[[bytes], None] = importlib.import_module(f"fuzz.targets.{name}").check
    return check


def _too_long(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError(f"not done within {LONGEST} s")


def replay(chosen: Sequence[str], root: Path = CORPUS) -> int:
    """Run every file of the corpus through its target; the number of findings, targets without corpus counted."""
    findings = 0
    signal.signal(signal.SIGALRM, _too_long)
    for name in chosen:
        try:
            check = target(name)
        except Exception:
            findings += _told(f"{name} cannot be imported")
            continue
        files = sorted(path for path in (root / name).glob("*") if path.is_file())
        began = time.perf_counter()
        for path in files:
            signal.alarm(LONGEST)
            try:
                check(path.read_bytes())
            except Exception:
                findings += _told(f"{name}: {path.name} is a finding")
            finally:
                signal.alarm(0)
        if not files:
            findings += 1
            print(f"{name}: there is no corpus in {root / name}", file=sys.stderr)
        print(f"{name:20} {len(files):4} inputs {time.perf_counter() - began:8.2f} s")
    return findings


def _told(what: str) -> int:
    print(what, file=sys.stderr)
    traceback.print_exc(limit=-6)
    return 1


def hunt(name: str, minutes: float) -> NoReturn:
    """Look for new findings until the time is over; the first one ends it and becomes a corpus file."""
    try:
        import atheris
    except ImportError:
        sys.exit("hunting needs atheris: pip install 'isthmus[fuzz]'")
    with atheris.instrument_imports(include=INSTRUMENTED):
        check = target(name)
    seeds = CORPUS / name
    seeds.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as found:
        atheris.Setup(
            [
                sys.argv[0],
                f"-max_total_time={max(1, int(minutes * 60))}",
                f"-timeout={LONGEST}",
                "-rss_limit_mb=2048",
                f"-artifact_prefix={seeds}/",
                found,
                str(seeds),
            ],
            check,
        )
        atheris.Fuzz()
    raise AssertionError("libFuzzer ends the process")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument(
        "target", nargs="?", choices=names(), help="the target to hunt in, or to replay alone"
    )
    parser.add_argument(
        "--replay", action="store_true", help="run the corpus, of all targets if none is named"
    )
    parser.add_argument("--minutes", type=float, default=3.0, help="how long to hunt (%(default)s)")
    given = parser.parse_args()
    if given.replay:
        sys.exit(1 if replay([given.target] if given.target else names()) else 0)
    if given.target is None:
        parser.error("name a target to hunt in, or say --replay; the targets: " + ", ".join(names()))
    hunt(given.target, given.minutes)


if __name__ == "__main__":
    main()
