"""What a Python function asks to have installed is refused, or comes to names, versions and hashes, and nothing else."""

from __future__ import annotations

import re

from packaging.requirements import Requirement

from fuzz.generators import text
from isthmus.errors import LoadError
from isthmus_cpython._requirements import Requirements, requirements_of, with_requirements

HASH = re.compile(r"--hash=sha(256|384|512):[0-9a-f]+")


def check(data: bytes) -> None:
    """The input as code, and as the text of a ``requirements.txt``."""
    given = text(data)
    for code in (given, _with("x = 1", given), _with(given, "a\n")):
        try:
            found = requirements_of(code, "f.py") if code is not None else Requirements()
        except LoadError:
            continue
        _hold(found)


def _with(code: str, required: str) -> str | None:
    try:
        return with_requirements(code, required)
    except LoadError:
        return None


def _hold(found: Requirements) -> None:
    assert set(found.places) <= {Requirement(_bare(line)).name for line in found.lines}
    for line in found.lines:
        bare = _bare(line)
        assert not bare.startswith(("-", ".", "/", "#"))
        assert " --" not in bare
        assert "$" not in line
        assert "\n" not in line
        assert "\r" not in line
        parsed = Requirement(bare)
        assert parsed.url is None
        assert str(parsed) == bare
    assert found.text().count("\n") == len(found.lines)


def _bare(line: str) -> str:
    return HASH.sub("", line).rstrip()
