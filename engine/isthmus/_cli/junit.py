"""The report that servers for continuous integration read: JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from .verdicts import Suite, Verdict

__all__ = ["report"]

_ILLEGAL: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no document of XML 1.0 may hold, not even escaped (its production ``Char``)."""

_MESSAGE: Final = 500


def report(suites: Sequence[Suite], stamp: str) -> bytes:
    """A report with a ``testsuite`` for each function and a ``testcase`` for each of its tests.

    Of its variants this is what the readers of Jenkins, GitLab and GitHub's actions agree on: counts at both levels,
    ``classname`` and ``name`` at each case, ``failure`` where something is not as expected and ``error`` where it could
    not be run, their text within.

    Args:
        suites: what came of the tests.
        stamp: when they began, ISO 8601 without a zone.
    """
    root = ET.Element("testsuites", {"name": "isthmus test", **_counts(suites)})
    for suite in suites:
        attributes = {
            "name": _legal(suite.name),
            **_counts([suite]),
            "timestamp": stamp,
            "hostname": "localhost",
        }
        element = ET.SubElement(root, "testsuite", attributes)
        for verdict in suite.verdicts:
            _add(element, suite, verdict)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _counts(suites: Sequence[Suite]) -> dict[str, str]:
    verdicts = [verdict for suite in suites for verdict in suite.verdicts]
    errors = sum(verdict.error for verdict in verdicts)
    failures = sum(bool(verdict.faults) for verdict in verdicts) - errors
    seconds = sum(verdict.seconds for verdict in verdicts)
    return {
        "tests": str(len(verdicts)),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": "0",
        "time": f"{seconds:.3f}",
    }


def _add(element: ET.Element, suite: Suite, verdict: Verdict) -> None:
    case = ET.SubElement(
        element,
        "testcase",
        {
            "classname": _legal(suite.name),
            "name": _legal(verdict.name),
            "time": f"{verdict.seconds:.3f}",
            "file": _legal(suite.place),
        },
    )
    if verdict.faults:
        tag, what = ("error", "NotRun") if verdict.error else ("failure", "NotAsExpected")
        message = _legal(verdict.faults[0])[:_MESSAGE]
        ET.SubElement(case, tag, {"message": message, "type": what}).text = _legal("\n".join(verdict.faults))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
