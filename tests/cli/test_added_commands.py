"""Commands that plugins add: found when they are called, guarded, and never in the way of the built-in ones."""

from __future__ import annotations

import argparse
import types
from collections.abc import Iterable
from typing import Any

import pytest

from isthmus import IsthmusError, PluginError, hookimpl
from isthmus._cli import added
from isthmus.abc import Command

from .conftest import Isthmus


class Greet(Command):
    name = "greet"
    summary = "say hello"

    def __init__(self, *, failing: BaseException | None = None) -> None:
        self.failing = failing

    def parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog="isthmus greet")
        parser.add_argument("whom")
        return parser

    def execute(self, arguments: argparse.Namespace) -> int:
        if self.failing:
            raise self.failing
        print(f"hello {arguments.whom}")  # noqa: T201 -- as commands do
        return 7


def named(name: Any, summary: Any = "something") -> Command:
    command = Greet()
    command.name, command.summary = name, summary
    return command


def plugin(name: str, *commands: object) -> types.ModuleType:
    module = types.ModuleType(name)

    @hookimpl
    def isthmus_commands() -> Iterable[Any]:
        return commands

    module.isthmus_commands = isthmus_commands  # type: ignore[attr-defined]
    return module


def test_a_plugin_s_command_runs_and_its_exit_status_is_the_program_s(isthmus: Isthmus) -> None:
    assert isthmus("greet", "you", plugins=[plugin("p", Greet())]) == (7, "hello you\n", "")


def test_help_has_it_beside_the_built_in_ones(isthmus: Isthmus) -> None:
    ran = isthmus("--help", plugins=[plugin("p", Greet())])
    assert "\n  greet " in ran.out
    assert "say hello" in ran.out
    assert "\n  run " in ran.out


def test_its_own_help_and_a_wrong_call_are_argparse_s(isthmus: Isthmus) -> None:
    ran = isthmus("greet", "--help", plugins=[plugin("p", Greet())])
    assert (ran.status, ran.out.split("\n")[0]) == (0, "usage: isthmus greet [-h] [--debug] whom")
    assert isthmus("greet", plugins=[plugin("p", Greet())]).status == 2


def test_a_misspelt_one_is_told(isthmus: Isthmus) -> None:
    ran = isthmus("great", plugins=[plugin("p", Greet())])
    assert ran.status == 2
    assert "did you mean 'greet'?" in ran.err


def test_two_plugins_with_one_name_are_an_error_that_names_both_and_the_others_go_on(
    isthmus: Isthmus,
) -> None:
    plugins = [plugin("one", Greet(), named("other")), plugin("two", Greet())]
    ran = isthmus("greet", "you", plugins=plugins)
    assert (ran.status, ran.out) == (2, "")
    assert "isthmus greet: the plugins 'one' and 'two' both offer a command 'greet'" in ran.err
    assert isthmus("other", "you", plugins=plugins).status == 7
    assert "'one' and 'two' both offer it" in isthmus("--help", plugins=plugins).out


def test_a_built_in_command_starts_without_looking_for_others(
    isthmus: Isthmus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("looked for")

    monkeypatch.setattr(added, "AddedCommands", refuse)
    assert isthmus("new", "--list").status == 0
    assert isthmus("--version").status == 0


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (named("run"), "the command 'run' is built in"),
        (named("Greet"), "a command's name is lower-case letters, digits and hyphens, not 'Greet'"),
        (named(None), "not None"),
        (named("greet", "two\nlines"), "the summary of the command 'greet' is one line of text"),
        ("greet", "it gave 'greet', not a Command"),
    ],
)
def test_a_plugin_with_a_command_that_is_none_is_left_out_and_said(
    command: object, error: str, isthmus: Isthmus
) -> None:
    plugins = [plugin("broken", command, named("fine")), plugin("good", Greet())]
    ran = isthmus("fine", "you", plugins=plugins)
    assert ran.status == 2
    assert "there is no command 'fine'" in ran.err
    ran = isthmus("greet", "you", plugins=plugins)
    assert (ran.status, ran.out) == (7, "hello you\n")
    assert error in ran.err
    listed = isthmus("plugins", plugins=plugins)
    assert listed.status == 1
    assert error in listed.out
    assert "command greet" in listed.out


def test_what_a_command_raises_is_told_in_a_line_and_whose_it_is(isthmus: Isthmus) -> None:
    def ran(failing: BaseException, *more: str) -> tuple[int, str]:
        status, _, err = isthmus("greet", "you", *more, plugins=[plugin("p", Greet(failing=failing))])
        return status, err

    assert ran(PluginError("no such thing")) == (2, "isthmus greet: no such thing\n")
    assert ran(IsthmusError("no")) == (2, "isthmus greet: no\n")
    assert ran(ZeroDivisionError("by 0")) == (
        1,
        "isthmus greet: the plugin 'p' failed: ZeroDivisionError: by 0\n",
    )
    assert ran(KeyboardInterrupt())[0] == 130
    status, err = ran(ZeroDivisionError("by 0"), "--debug")
    assert status == 1
    assert "Traceback" in err
