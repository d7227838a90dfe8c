"""Intl and the locale methods beside those of a real Node, which are made of ICU, too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.javascript import MIB, Scripts
from tests.quickjs.expressions import needs_node, run_node

from isthmus_quickjs._intl import icu

PROGRAMS = Path(__file__).parent / "intl"
BEFORE = """
const found = {};
function put(name, show) {
  let value;
  try { value = show() } catch (error) { value = `${error.name}: ${error.message}` }
  found[name] = value === undefined ? "undefined" : value;
}
"""

DIFFERENT = {
    r'^(ko|ko-\w+) .*("timeStyle"|"hour"|method| time$)|^ko (elements|.* time)$|^ko \{"timeZone':
        "CLDR 48 had no Korean words for before and after noon; ICU 78.3 has them again",
    r'"hour":"numeric","timeZoneName"': "CLDR 48 wrote an hour alone, with its zone, with an h in a dozen languages",
    r"^de-CH .*range": "CLDR 48 named the weekday twice",
    r'^da-u-kf-upper \{"caseFirst":"lower"\} collator$':
        "V8 keeps a keyword in the locale's name though an option overrules it",
}  # fmt: skip
"""Where the two differ, and why: keys are patterns of names."""

FIELDS = {"weekday", "era", "year", "month", "day", "dayPeriod", "hour", "minute", "second", "timeZoneName"}


def explained(name: str, here: object, there: object) -> bool:
    """Whether a difference is one of those that are known."""
    if name.endswith(" resolved") and isinstance(here, dict) and isinstance(there, dict):
        # V8 looks for fields in a pattern's quoted words, too: "de" in Portuguese dates is no day.
        keys = {key for key in here.keys() | there.keys() if here.get(key) != there.get(key)}
        if keys <= FIELDS:
            return True
    return any(re.search(pattern, name) for pattern in DIFFERENT)


@needs_node
@pytest.mark.parametrize("program", sorted(path.stem for path in PROGRAMS.glob("*.js")))
async def test_locales_are_what_nodes_are(scripts: Scripts, program: str) -> None:
    body = BEFORE + (PROGRAMS / f"{program}.js").read_text(encoding="utf-8")
    said = json.loads(run_node(f"{body}; console.log(JSON.stringify([process.versions.icu, found]))"))
    version, there = said
    if version.split(".")[0] != icu.load()[1].removeprefix("_"):
        pytest.skip(f"Node has ICU {version}, whose data are of another year")
    script = await scripts(
        f"async function onTrack() {{ {body}; return found }}",
        wall=60, cpu=60, memory=256 * MIB, output_bytes=60 * MIB,
    )  # fmt: skip
    here = await script.value()
    assert isinstance(here, dict)
    assert here.keys() == there.keys()
    differing = [
        name for name in there if here[name] != there[name] and not explained(name, here[name], there[name])
    ]
    shown = "\n".join(f"{name}\n  Node {there[name]!r}\n  here {here[name]!r}" for name in differing[:40])
    assert not differing, f"{len(differing)} of {len(there)}:\n{shown}"
