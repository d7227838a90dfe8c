"""What a person sees, and what a function cannot do to their terminal."""

from __future__ import annotations

import io

import pytest

from isthmus._cli.screen import Cell, Screen, visible, width_of


def screen(*, colour: bool = False) -> tuple[Screen, io.StringIO]:
    stream = io.StringIO()
    return Screen(stream, colour=colour), stream


@pytest.mark.parametrize(
    ("attack", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),  # clears the screen
        ("\x1b]0;root\x07", "\\x1b]0;root\\x07"),  # sets the title
        ("\x9b31m", "\\x9b31m"),  # a control sequence in one byte
        ("a\rb", "a\\x0db"),  # writes over what stands there
        ("\u202egnp.exe", "\\u202egnp.exe"),  # turns text round
        ("two\nlines\tand a tab é 漢", "two\nlines\tand a tab é 漢"),
    ],
)
def test_text_of_a_function_cannot_act_on_the_terminal(attack: str, shown: str) -> None:
    assert visible(attack) == shown


def test_without_colour_there_is_no_escape() -> None:
    plain, stream = screen()
    plain.print(plain.paint("x", "bold red"))
    assert stream.getvalue() == "x\n"


def test_with_colour_styles_are_closed() -> None:
    coloured, _ = screen(colour=True)
    assert coloured.paint("x", "bold red") == "\x1b[1;31mx\x1b[0m"
    assert coloured.paint("", "red") == ""


@pytest.mark.parametrize(
    ("environment", "expected"), [({"NO_COLOR": "1"}, False), ({"FORCE_COLOR": "1"}, True), ({}, False)]
)
def test_the_environment_decides_on_colour(
    environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (Screen(io.StringIO()).paint("x", "red") != "x") is expected


def test_columns_are_aligned_by_what_is_seen() -> None:
    plain, stream = screen(colour=True)
    rows: list[list[Cell]] = [["ab", ("漢字", "red"), "1"], ["漢", "x", "22"]]
    plain.table(rows, right=frozenset({2}))
    assert stream.getvalue() == "ab  \x1b[31m漢字\x1b[0m   1\n漢  x     22\n"


def test_width() -> None:
    assert [width_of(text) for text in ("abc", "漢字", "e\u0301")] == [3, 4, 1]
