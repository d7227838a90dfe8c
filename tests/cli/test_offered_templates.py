"""Templates of plugins: found, made, and the ways in which they can be wrong."""

from __future__ import annotations

import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from isthmus import Kind, hookimpl
from isthmus.templates import Template, templates_in

from .conftest import Isthmus


def plugin(*templates: Any, name: str = "shop") -> types.ModuleType:
    module = types.ModuleType(name)

    @hookimpl
    def isthmus_templates() -> Iterable[Any]:
        return templates

    module.isthmus_templates = isthmus_templates  # type: ignore[attr-defined]
    return module


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path]:
    """A language's files, and a function's."""
    common, own = tmp_path / "common", tmp_path / "own"
    (common / "vendor" / "deep").mkdir(parents=True)
    own.mkdir()
    (common / "vendor" / "deep" / "kit.cob").write_text("KIT of {{name}}")
    (common / "note.txt").write_text("common")
    (own / "note.txt").write_text("own")
    (own / "function.cob").write_bytes(b"IDENTIFICATION DIVISION. \xff")
    (own / "function.toml").write_text(
        'name = "{{name}}"\ndescription = "A start"\nkind = "insert"\ncode = "function.bin"\nbuild = "{{build}}"\n'
    )
    return common, own


@pytest.fixture
def cobol(parts: tuple[Path, Path]) -> Template:
    return Template(
        kind=Kind.INSERT,
        language="cobol",
        parts=parts,
        build="cobc -o function.bin function.cob",
        notes={"function.cob": "the code"},
    )


def test_a_function_is_made_of_all_its_parts_later_ones_over_earlier(
    cobol: Template, isthmus: Isthmus, tmp_path: Path
) -> None:
    ran = isthmus("new", "insert", "deep/mine", "--language", "cobol", plugins=[plugin(cobol)])
    assert (ran.status, ran.err) == (0, "")
    made = tmp_path / "deep" / "mine"
    assert (made / "vendor" / "deep" / "kit.cob").read_text() == "KIT of mine"
    assert (made / "note.txt").read_text() == "own"
    assert (made / "function.cob").read_bytes() == b"IDENTIFICATION DIVISION. \xff"
    assert "Now edit deep/mine/function.cob, and run it:" in ran.out
    readme = (made / "README.md").read_text()
    assert "(cd mine && cobc -o function.bin function.cob)  # build it" in readme
    assert "| `vendor/deep/kit.cob` |" in readme


def test_running_what_is_not_built_says_how_it_is_built(cobol: Template, isthmus: Isthmus) -> None:
    isthmus("new", "insert", "mine", "--language", "cobol", plugins=[plugin(cobol)])
    ran = isthmus("run", "mine")
    assert ran.status == 2
    assert "there is no file mine/function.bin; it is built, in mine, by: cobc -o function.bin" in ran.err


def test_templates_are_listed_and_counted_among_what_a_plugin_offers(
    cobol: Template, isthmus: Isthmus
) -> None:
    assert "cobol" in isthmus("new", "--list", plugins=[plugin(cobol)]).out
    (row,) = [
        line
        for line in isthmus("plugins", plugins=[plugin(cobol)]).out.splitlines()
        if line.startswith("shop")
    ]
    assert row.split(maxsplit=3)[3] == "templates cobol"


def test_without_a_language_a_template_in_javascript_is_meant(cobol: Template, isthmus: Isthmus) -> None:
    ran = isthmus("new", "insert", "mine", plugins=[plugin(cobol)])
    assert "Now edit mine/function.js" in ran.out


def test_two_plugins_with_one_template_are_an_error_that_names_both(
    cobol: Template, isthmus: Isthmus
) -> None:
    ran = isthmus("new", "--list", plugins=[plugin(cobol), plugin(cobol, name="store")])
    assert ran.status == 2
    assert "'store' and 'shop' both offer a template 'plain' in cobol for the kind insert" in ran.err


def test_a_plugin_that_offers_something_else_is_left_out_and_said_so(
    cobol: Template, isthmus: Isthmus
) -> None:
    ran = isthmus("new", "insert", "mine", plugins=[plugin(cobol, "a path")])
    assert ran.status == 0
    assert "isthmus_templates failed: TypeError: it gave 'a path', not a Template" in ran.err


@pytest.mark.parametrize(("field", "value"), [("language", "C++"), ("name", ""), ("name", "../x")])
def test_a_template_with_an_odd_name_is_refused(field: str, value: str, parts: tuple[Path, Path]) -> None:
    arguments: dict[str, Any] = {"kind": Kind.INSERT, "language": "cobol", "parts": parts, field: value}
    with pytest.raises(ValueError, match=f"a template's {field} is lower-case letters"):
        Template(**arguments)


def test_a_template_without_a_definition_is_refused(parts: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match=r"has no function\.toml in"):
        Template(kind=Kind.INSERT, language="cobol", parts=parts[:1])


def test_a_directory_with_a_directory_for_each_kind_holds_templates(
    parts: tuple[Path, Path], tmp_path: Path
) -> None:
    common, own = parts
    place = tmp_path / "all" / "insert"
    place.mkdir(parents=True)
    own.rename(place / "plain")
    (template,) = templates_in(tmp_path / "all", language="cobol", beside=(common,))
    assert (template.kind, template.name) == (Kind.INSERT, "plain")
    assert list(template.files()) == [
        "cases/unchanged.json",
        "events.ndjson",
        "expected.ndjson",
        "function.cob",
        "function.toml",
        "note.txt",
        "vendor/deep/kit.cob",
    ]
