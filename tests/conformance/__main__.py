"""``python -m tests.conformance {test262,wpt,wasi,extism} DIRECTORY [FILTER]``: pass rates of a suite, by directory."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import trio
from tests.conformance import extism, test262, wasi, wpt
from tests.conformance.tally import Tally

SUITES = {"test262": test262.run, "wpt": wpt.run, "wasi": wasi.run, "extism": extism.run}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description="Runs the tests of a suite in the runtime they are for, and prints pass rates.",
    )
    parser.add_argument("suite", choices=sorted(SUITES))
    parser.add_argument("directory", type=Path, help="root of the suite, the folder that holds its harness")
    parser.add_argument("filter", nargs="?", default="", help="only paths below the root that hold this text")
    parser.add_argument(
        "--limit", type=float, default=10.0, help="seconds for one test (long ones: six times)"
    )
    parser.add_argument("--depth", type=int, default=2, help="how many folders of a path make a line")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="threads that run tests")
    parser.add_argument("--json", action="store_true", help="JSON lines, one a directory")
    parser.add_argument("--list-failures", action="store_true", help="each test that failed, and why")
    given = parser.parse_args(arguments)
    if not given.directory.is_dir():
        parser.error(f"{given.directory} is no directory")
    tally = Tally(given.depth)
    try:
        trio.run(SUITES[given.suite], given.directory, given.filter, given.limit, given.jobs, tally)
    except FileNotFoundError as error:
        parser.error(str(error))
    if not tally:
        parser.error(f"no test below {given.directory} has {given.filter!r} in its path")
    tally.print(as_json=given.json, failures=given.list_failures)
    return 0 if tally.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
