"""The part of HCL that exports are in: values come out as they went in, and what is not understood is said."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, strategies as st

from isthmus_server.workspace.hcl import DEPTH, HclError, Traversal, parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('${%\\"\n'), max_size=20)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def quoted(text: str) -> str:
    """A text as Terraform writes it."""
    escapes = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
    escaped = "".join(escapes.get(one, one if one >= " " else f"\\u{ord(one):04x}") for one in text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def written(value: Any) -> str:
    """A value as Terraform writes it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[\n" + "".join(f"  {written(one)},\n" for one in value) + "]"
    if isinstance(value, dict):
        return "{\n" + "".join(f"  {quoted(name)} = {written(one)}\n" for name, one in value.items()) + "}"
    return json.dumps(value)


def value_of(text: str) -> Any:
    (block,) = parse(f"a {{\n x = {text}\n}}\n")
    return block.attributes["x"]


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    assert value_of(written(value)) == value


@given(VALUES)
def test_jsonencode_is_json(value: Any) -> None:
    assert json.loads(value_of(f"jsonencode({written(value)})")) == value


@given(TEXTS.filter(lambda text: "\r" not in text))
def test_a_heredoc_is_what_its_lines_are(text: str) -> None:
    raw = "".join(f"{line}\n" for line in text.split("\n") if line.strip() != "END")
    escaped = raw.replace("${", "$${").replace("%{", "%%{")
    assert value_of(f"<<END\n{escaped}END") == raw


def test_a_heredoc_may_be_indented() -> None:
    assert value_of("<<-EOT\n    function f() {\n      return `\\n$${x}`\n\n    }\n    EOT") == (
        "function f() {\n  return `\\n${x}`\n\n}\n"
    )


def test_a_file_is_its_blocks() -> None:
    blocks = parse(
        "# one\nimport {\n  to = segment_function.id-dfn_1 // two\n}\n"
        '/* three */ resource "segment_function" "id-dfn_1" {\n  n = -1.5e2\n  settings {\n    name = "a"\n  }\n}\n'
    )
    assert [block.labels for block in blocks] == [("import",), ("resource", "segment_function", "id-dfn_1")]
    assert blocks[0].attributes == {"to": Traversal("segment_function.id-dfn_1")}
    assert (blocks[1].attributes, blocks[1].line) == ({"n": -150.0}, 5)
    assert blocks[1].blocks[0].attributes == {"name": "a"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'a {\n x = "${b}"\n}',
            r"line 2: \$\{ is computed by Terraform; a text that has it is written \$\$\{",
        ),
        ("a {\n x = <<E\n%{ if b }\nE\n}", r"line \d: %\{ is computed"),
        ('a {\n x = file("b")\n}', "line 2: expected a value, and file has none"),
        ("a {\n x = jsonencode([b.c])\n}", "jsonencode has a reference in it"),
        ('a {\n x = "b\n}', 'line 2: " is missing'),
        ('a {\n x = "\\q"\n}', "a backslash escapes nothing"),
        ('a {\n x = "\\ud800"\n}', "an escape is of no character"),
        ("a {\n x = <<E\nb\n}", "the end E of a heredoc is missing"),
        ("a {\n x = 1\n x = 2\n}", "line 3: x is given twice"),
        ("a {\n x = [1 2]\n}", "expected , or ] in a list"),
        ("a {", "line 1: } is missing at the end"),
        ("}", "expected the name"),
        ("a {\n x = 1e999\n}", "line 2: a number that is larger than any"),
        (f"a {{ x = {'[' * 100} }}", f"more than {DEPTH} values within each other"),
    ],
)
def test_what_is_not_understood_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(HclError, match=said):
        parse(text)


@given(st.text(st.sampled_from('ab ={}[]"\\$%\n<E.,()0-#/*'), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(HclError):
        parse(text)
