"""What a function asks to have beside the standard library: read from its code, and narrowed to what may be installed.

Code says so in a script block (https://packaging.python.org/en/latest/specifications/inline-script-metadata/), as its
``dependencies``; or in a block of our own, which holds the lines of a ``requirements.txt``.  Whoever wrote it is not
trusted, so a requirement is a name with versions, extras, a marker and hashes: no URL, path or option of an installer
gets through, and where packages come from is for the operator to say.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Final, final

import msgspec

from isthmus.errors import LoadError

__all__ = ["FILE", "Requirements", "requirements_of", "with_requirements"]

FILE: Final = "requirements.txt"
LONGEST: Final = 64 * 1024
"""Characters of a block of requirements."""
LONGEST_SCRIPT: Final = 8 * 1024
LONGEST_LINE: Final = 500
"""Characters of a script block and of a line of it: time to read TOML grows by the square of what a key may be made of."""
LONGEST_ONE: Final = 1000
"""Characters of one requirement, its hashes left out."""
MOST: Final = 200
"""Requirements of one function."""

_BEGIN: Final = "# /// "
_END: Final = "# ///"
_SCRIPT, _LISTED = "script", "requirements"
_HASH: Final = re.compile(r"\s--hash=(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?=\s|$)")
_COMMENT: Final = re.compile(r"(^|\s)#.*$")


@final
class Requirements(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be installed.

    Attributes:
        lines: one requirement each, in a spelling of our own.
        places: by the name of each, the line that asks for it, as the author counts, or None.
        file: the file in which that line is.
    """

    lines: tuple[str, ...] = ()
    places: dict[str, int | None] = {}
    file: str = FILE

    def text(self) -> str:
        """The lines as an installer reads them."""
        return "".join(f"{line}\n" for line in self.lines)


def with_requirements(code: str, text: str) -> str:
    """Code that asks for what the text of a ``requirements.txt`` does, in a block at its end.

    Raises:
        LoadError: the code asks for packages itself.
    """
    if _block(code, _SCRIPT, "") or _block(code, _LISTED, ""):
        raise LoadError(f"the code asks for packages in a block, and {FILE} is there as well; use one")
    lines = [f"# {line}" for line in text.splitlines()]
    for number, line in enumerate(lines, 1):
        if line.rstrip() == _END:
            raise LoadError("'///' is no requirement that can be installed", file=FILE, line=number)
    return "\n".join([code, f"{_BEGIN}{_LISTED}", *lines, _END, ""])


def requirements_of(code: str, file: str) -> Requirements:
    """What code asks for; nothing where it has no block that does.

    Raises:
        LoadError: a block is malformed, or asks for what may not be installed.
    """
    script, listed = _block(code, _SCRIPT, file), _block(code, _LISTED, file)
    if listed is None:
        return Requirements() if script is None else _read(_dependencies(*script, file), file)
    text = listed[1]
    if script is not None:
        raise LoadError("the code asks for packages in two blocks; use one", file=file)
    if len(text) > LONGEST:
        raise LoadError(f"it has more than {LONGEST} characters", file=FILE)
    return _read(_logical_lines(text), FILE)


def _block(code: str, kind: str, file: str) -> tuple[int, str] | None:
    """The number of the line after a block's first, and what stands between that and its last."""
    begin = _BEGIN + kind
    if begin not in code:
        return None
    lines = [line.rstrip() for line in code.split("\n")]
    begins = [number for number, line in enumerate(lines) if line == begin]
    if not begins:
        return None
    if len(begins) > 1:
        raise LoadError(f"the code has more than one {kind} block", file=file, line=begins[1] + 1)
    content: list[str] = []
    for line in lines[begins[0] + 1 :]:
        if line == _END:
            return begins[0] + 2, "".join(f"{row}\n" for row in content)
        if line != "#" and not line.startswith("# "):
            break
        content.append(line[2:])
    raise LoadError(f"the {kind} block has no end: a line {_END!r}", file=file, line=begins[0] + 1)


def _dependencies(first: int, content: str, file: str) -> Iterator[tuple[int | None, str]]:
    """Each of a script block's ``dependencies``, with its line."""
    if len(content) > LONGEST_SCRIPT:
        raise LoadError(f"the script block has more than {LONGEST_SCRIPT} characters", file=file)
    if max(map(len, content.split("\n"))) > LONGEST_LINE:
        raise LoadError(f"the script block has a line of more than {LONGEST_LINE} characters", file=file)
    try:
        listed = tomllib.loads(content).get("dependencies", [])
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LoadError(f"the script block is no TOML: {error}", file=file) from error
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise LoadError("dependencies in the script block is a list of texts", file=file)
    return ((_line_in(content, each, first), each) for each in listed)


def _line_in(content: str, asked: str, first: int) -> int | None:
    """The line in which a dependency is asked for, None where it is spelt otherwise there."""
    at = content.find(asked)
    return None if at < 0 else first + content.count("\n", 0, at)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, those that end in a backslash joined to the next; empty ones left out."""
    began = 0
    parts: list[str] = []
    for number, row in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", row).rstrip()
        began = began if parts else number
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            if joined := " ".join(part.strip() for part in parts if part.strip()):
                yield began, joined
            parts = []
    if joined := " ".join(part.strip() for part in parts if part.strip()):
        yield began, joined


def _read(asked: Iterator[tuple[int | None, str]], file: str) -> Requirements:
    lines: list[str] = []
    places: dict[str, int | None] = {}
    for number, text in asked:
        if len(lines) == MOST:
            raise LoadError(f"more than {MOST} requirements", file=file, line=number)
        name, line = _requirement(text, file, number)
        lines.append(line)
        places[name] = number
    return Requirements(lines=tuple(lines), places=places, file=file)


def _requirement(text: str, file: str, number: int | None) -> tuple[str, str]:
    """The name of a requirement, and the requirement as we spell it."""
    from packaging.requirements import InvalidRequirement, Requirement  # most functions ask for nothing

    shown = text if len(text) <= 200 else f"{text[:200]}..."
    hashes = _HASH.findall(text)
    bare = _HASH.sub("", text).strip()
    try:
        if bare.startswith("-") or " --" in bare:
            raise InvalidRequirement("options of an installer are the operator's to give")
        if (
            "$" in bare
        ):  # pip puts variables of this process's environment in, and says in its errors what was in them
            raise InvalidRequirement("variables of an environment are not for functions to name")
        if len(bare) > LONGEST_ONE:
            raise InvalidRequirement(f"without its hashes it has more than {LONGEST_ONE} characters")
        parsed = Requirement(bare)
        if parsed.url is not None:
            raise InvalidRequirement("packages come from the operator's index, by name, and not from a URL")
    except InvalidRequirement as error:
        why = str(error).partition("\n")[0]
        raise LoadError(
            f"{shown!r} is no requirement that can be installed: {why}", file=file, line=number
        ) from error
    return parsed.name, " ".join([str(parsed), *(f"--hash={each}" for each in hashes)])
