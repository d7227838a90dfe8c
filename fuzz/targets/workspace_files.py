"""A workspace's file is read or refused in words that name it, and what was read is read again from how it is written."""

from __future__ import annotations

from typing import Any

import msgspec

from isthmus_server.workspace.desired import WorkspaceProblems
from isthmus_server.workspace.hcl import Block, HclError, Traversal, parse
from isthmus_server.workspace.tables import (
    DestinationTable,
    InsertTable,
    SourceTable,
    WorkspaceTable,
    decode,
)
from isthmus_server.workspace.tomltext import toml_text

TABLES: dict[bytes, type[msgspec.Struct]] = {
    b"workspace": WorkspaceTable,
    b"source": SourceTable,
    b"destination": DestinationTable,
    b"insert": InsertTable,
}

ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def check(data: bytes) -> None:
    """The first line says which file it is; ``tf`` is one of Terraform."""
    kind, _, content = data.partition(b"\n")
    if kind == b"tf":
        _check_hcl(content)
    elif kind in TABLES:
        _check_toml(content, TABLES[kind])


def _check_toml(content: bytes, kind: type[msgspec.Struct]) -> None:
    try:
        table = decode(content, kind, "here")
    except WorkspaceProblems as exc:
        refused = exc.problems
    else:
        _check_written(table, kind)
        return
    assert refused
    assert all(problem.startswith("here: ") for problem in refused)


def _check_written(table: msgspec.Struct, kind: type[msgspec.Struct]) -> None:
    values = {name: value for name in kind.__struct_fields__ if (value := getattr(table, name)) is not None}
    if _has_times(values):
        return  # only what is JSON is written
    again = decode(toml_text(values).encode(), kind, "again")
    assert again == table, "what was written is read as something else"


def _has_times(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_times, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_times, value))
    return not isinstance(value, str | int) or abs(int(value) if isinstance(value, int) else 0) >= 2**63


def _check_hcl(content: bytes) -> None:
    try:
        blocks = parse(content.decode())
    except UnicodeDecodeError:
        return
    except HclError as exc:
        refused = str(exc)
    else:
        _check_blocks(blocks)
        return
    assert refused.startswith("line ")


def _check_blocks(blocks: tuple[Block, ...]) -> None:
    again = parse("\n".join(map(_block, blocks)))
    assert list(map(_plain, again)) == list(map(_plain, blocks)), "what was written is read as something else"


def _plain(block: Block) -> tuple[object, ...]:
    """A block without the line that it was in."""
    return block.labels, block.attributes, tuple(map(_plain, block.blocks))


def _block(block: Block) -> str:
    labels = " ".join([block.labels[0], *map(_value, block.labels[1:])])
    attributes = [f"{name} = {_value(value)}" for name, value in block.attributes.items()]
    return "\n".join([f"{labels} {{", *attributes, *map(_block, block.blocks), "}"])


def _value(value: Any) -> str:
    """A value as Terraform writes it."""
    if isinstance(value, Traversal):
        return value.text
    if isinstance(value, str):
        escaped = "".join(ESCAPES.get(one, one) for one in value)
        return f'"{escaped.replace("${", "$${").replace("%{", "%%{")}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_value(name)} = {_value(one)}' for name, one in value.items())}}}"
    return repr(value) if isinstance(value, float) else msgspec.json.encode(value).decode()
