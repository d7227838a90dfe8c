"""A file that the command line is given is read, or refused in a sentence that names it and shows no value of a setting."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from isthmus._cli.definition import find
from isthmus._cli.faults import UsageFault
from isthmus._cli.pipelinefile import read_pipeline
from isthmus._cli.sink import read_rules
from isthmus._cli.values import gather, guess_definitions
from isthmus._cli.webhooks import webhook
from isthmus.errors import InvalidInput
from isthmus.functions import Kind
from isthmus.testing.cases import Case, InvalidCase, read_case, write_case

LONGEST = 2000
"""Characters of a refusal beyond what of the file it repeats: a name, twice at the most, and perhaps escaped."""
SECRET = re.compile(rb"hush-[a-z]{8,40}")
"""What stands in a file of settings for a value that nobody is to see."""

Read = Callable[[Path], Any]


def _definition(path: Path) -> None:
    (path.parent / "function.js").touch()
    project = find(str(path.parent))
    try:
        project.function(project.assemble(None), kind=Kind.DESTINATION, language="none")
    except UsageFault as exc:  # names the function, in whatever file it is defined
        raise UsageFault(f"{path}: {exc}") from None


def _case(path: Path) -> None:
    case = read_case(path)
    assert isinstance(case, Case)
    write_case(path, case)
    again = read_case(path)
    assert again.input == case.input, "what was written is read as something else"
    assert again.clock() == case.clock()


def _settings(path: Path) -> None:
    values = gather(None, file=str(path), environ={}, below={})
    assert [definition.name for definition in guess_definitions(values)] == list(values)


def _webhook(path: Path) -> None:
    try:
        request = webhook(path.read_bytes())
    except InvalidInput as exc:
        raise UsageFault(f"{path}: {exc}") from None
    assert isinstance(request.body, bytes)
    msgspec.json.encode([request.url, request.method, request.headers])


READERS: dict[bytes, tuple[str, Read]] = {
    b"definition": ("function.toml", _definition),
    b"pipeline": ("pipeline.toml", read_pipeline),
    b"case": ("case.json", _case),
    b"settings": ("settings.json", _settings),
    b"toml settings": ("settings.toml", _settings),
    b"replies": ("replies.json", lambda path: read_rules(str(path))),
    b"webhook": ("webhook.json", _webhook),
}


def check(data: bytes) -> None:
    """The first line says which file it is."""
    kind, _, content = data.partition(b"\n")
    if kind not in READERS:
        return
    name, read = READERS[kind]
    with tempfile.TemporaryDirectory(prefix="fuzz-input-") as directory:
        path = Path(directory) / name
        path.write_bytes(content)
        try:
            read(path)
        except (UsageFault, InvalidCase) as exc:
            said = str(exc)
            assert directory in said, said
            assert len(said) < LONGEST + 8 * len(content), "a refusal of the file's length"
            if b"settings" in kind:
                assert not SECRET.search(said.encode("utf-8", "replace")), said
