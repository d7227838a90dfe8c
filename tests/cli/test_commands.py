"""From the arguments to the exit status: calls that are right, and one clear line for those that are not."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isthmus import LoadError, hookimpl
from isthmus.__main__ import main
from isthmus._cli.commands import COMMANDS
from isthmus.testing import ScriptedRuntime, Throw, World

from .conftest import Isthmus

FUNCTION = "f.scripted"


@pytest.fixture
def runtime(tmp_path: Path) -> ScriptedRuntime:
    """A runtime with one function, and a file that means it."""
    (tmp_path / FUNCTION).write_text("f")

    def on_track(event: dict[str, Any], settings: dict[str, Any], world: World) -> object:
        if event.get("event") == "throw":
            raise Throw("RetryError", "busy", "at onTrack (f:1:1)")
        return {"event": event.get("event"), "settings": sorted(settings)}

    return ScriptedRuntime(scripts={"f": {"onTrack": on_track}})


# ---------------------------------------------------------------- without a command


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_names_every_command(word: str, isthmus: Isthmus) -> None:
    ran = isthmus(word)
    assert (ran.status, ran.err) == (0, "")
    assert all(f"\n  {name} " in ran.out for name in COMMANDS)


def test_without_arguments_help_goes_to_standard_error(isthmus: Isthmus) -> None:
    ran = isthmus()
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("usage: isthmus COMMAND")


def test_version(isthmus: Isthmus) -> None:
    ran = isthmus("--version")
    assert ran.status == 0
    assert ran.out.startswith("isthmus ")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_its_exit_status(name: str, isthmus: Isthmus) -> None:
    ran = isthmus(name, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(f"usage: isthmus {name}")
    assert "exit status" in ran.out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("rnu",), "isthmus: there is no command 'rnu'; did you mean 'run'? (see isthmus --help)"),
        (("--verbose",), "isthmus: there is no option '--verbose'; it is one of run,"),
        (("run",), "isthmus run: the following arguments are required: FUNCTION (see isthmus run --help)"),
        (("run", FUNCTION, "--sorts"), "isthmus run: unrecognized arguments: --sorts"),
        (("run", FUNCTION, "--wall", "soon"), "isthmus run: argument --wall: a duration is written like"),
        (("run", FUNCTION, "--memory", "big"), "isthmus run: argument --memory: a size is written like"),
        (("run", FUNCTION), "isthmus run: no events: name files of them, or - for standard input"),
        (("run", FUNCTION, "none.ndjson"), "isthmus run: there is no file 'none.ndjson'"),
        (("run", FUNCTION, "."), "isthmus run: '.' is a directory, not a file of events"),
        (("run", FUNCTION, "-", "-"), "isthmus run: standard input can be read once only"),
        (("run", "g.scripted", "-"), "isthmus run: there is no file or directory 'g.scripted'; did you mean"),
        (("run", ".", "-"), "isthmus run: the directory '.' has no function.toml"),
        (
            ("run", FUNCTION, FUNCTION, "--kind", "origin"),
            "isthmus run: a kind is one of source, destination",
        ),
        (("run", FUNCTION, FUNCTION, "--set", "a"), "isthmus run: --set takes NAME=VALUE"),
        (("run", FUNCTION, FUNCTION, "--sink"), "isthmus run: --sink needs the name of the setting"),
        (("run", FUNCTION, FUNCTION, "--batch", "5"), "isthmus run: --batch: the function has no onBatch"),
        (
            ("run", FUNCTION, FUNCTION, "--out", FUNCTION),
            "isthmus run: --out f.scripted is one of the files to be",
        ),
        (
            ("run", FUNCTION, FUNCTION, "--out", "no/x"),
            "isthmus run: --out no/x cannot be written: No such file",
        ),
        (("run", FUNCTION, FUNCTION, "--settings", "no"), "isthmus run: no cannot be read: No such file"),
        (("run", "x.rb", FUNCTION), "isthmus run: no runtime takes 'x.rb' by its suffix; there is"),
        (("run", FUNCTION, FUNCTION, "--language", "cobol"), "isthmus run: function 'f': no plugin offers"),
        (("invoke", FUNCTION), "isthmus invoke: no event: give one by --event"),
        (
            ("invoke", FUNCTION, "--event", "{}", "--request", "{}"),
            "isthmus invoke: --event and --request exclude",
        ),
        (
            ("invoke", FUNCTION, "--event", '{"a":'),
            "isthmus invoke: an event is a JSON object, and this is not",
        ),
        (("invoke", FUNCTION, "--event", "[]"), "isthmus invoke: the event holds no event"),
        (
            ("invoke", FUNCTION, "--event", "{}", "--line", "2"),
            "isthmus invoke: --line 2: the event holds no event there; its events go from 1 to 1",
        ),
        (
            ("invoke", FUNCTION, "--request", "{}"),
            "isthmus invoke: --request is for source functions, and this is a",
        ),
        (("test", FUNCTION), "isthmus test: nothing is expected of f: name a file by --expected"),
        (
            ("test", FUNCTION, "--events", FUNCTION, "--expected", FUNCTION),
            "isthmus test: f.scripted, line 1: it is no JSON",
        ),
        (("new",), "isthmus new: it takes a KIND and a NAME, or --list (see isthmus new --help)"),
        (("new", "origin", "x"), "isthmus new: a kind is one of source, destination"),
        (
            ("new", "source", "x", "--template", "y"),
            "isthmus new: there is no template 'y' for the kind source, but",
        ),
        (("new", "source", "x", "--language", "cobol"), "isthmus new: there is no template in 'cobol'"),
        (("new", "source", FUNCTION), "isthmus new: f.scripted is there already; nothing was changed"),
        (("check", "none"), "isthmus check: there is no file or directory 'none'"),
        (("plugins", "x"), "isthmus plugins: unrecognized arguments: x"),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(
    argv: tuple[str, ...], said: str, isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    (tmp_path / "x.rb").touch()
    ran = isthmus(*argv, plugins=[runtime])
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(said)
    assert ran.err.count("\n") == 1


# ---------------------------------------------------------------- what fails otherwise


def test_code_that_does_not_load_is_shown(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("broken")
    error = LoadError("unexpected token", file=FUNCTION, line=2, column=3, excerpt="  2 | x y\n    |   ^")
    for command in ("check", "run", "invoke"):
        argv = {"run": [FUNCTION], "invoke": ["--event", "{}"]}.get(command, [])
        ran = isthmus(command, FUNCTION, *argv, plugins=[ScriptedRuntime(scripts={"broken": error})])
        assert (ran.status, ran.out) == (3, "")
        assert (
            ran.err == f"the function does not load\n{FUNCTION}:2:3: unexpected token\n  2 | x y\n    |   ^\n"
        )


def test_debug_shows_where_it_was_raised(isthmus: Isthmus) -> None:
    ran = isthmus("check", "none", "--debug")
    assert ran.status == 2
    assert "Traceback" in ran.err
    assert "Traceback" not in isthmus("check", "none").err


def test_logging_is_as_it_was_before(isthmus: Isthmus) -> None:
    logger = logging.getLogger("isthmus")
    before = list(logger.handlers), logger.level, logger.propagate
    isthmus("plugins", "--debug")
    assert (list(logger.handlers), logger.level, logger.propagate) == before


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("isthmus._cli.plugins.execute", fail)
    with pytest.raises(ZeroDivisionError):
        main(["plugins"])


def test_an_interrupt_before_anything_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> int:
        raise BaseExceptionGroup("", [KeyboardInterrupt()])

    monkeypatch.setattr("isthmus._cli.plugins.execute", interrupt)
    assert main(["plugins"]) == 130


# ---------------------------------------------------------------- invoke, check, plugins


def test_invoke_shows_the_call(isthmus: Isthmus, runtime: ScriptedRuntime) -> None:
    ran = isthmus("invoke", FUNCTION, "--event", '{"type":"track","event":"x"}', plugins=[runtime])
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("✓ onTrack delivered  in ")
    assert 'result\n  { "event": "x", "settings": [] }\n' in ran.out


def test_invoke_gives_the_outcome_as_json(isthmus: Isthmus, runtime: ScriptedRuntime) -> None:
    ran = isthmus(
        "invoke", FUNCTION, "--event", '{"type":"track","event":"throw"}', "--json", plugins=[runtime]
    )
    assert ran.status == 1
    outcome = json.loads(ran.out)
    assert outcome["status"] == "retry"
    assert outcome["problem"]["name"] == "RetryError"
    assert "value" not in outcome


@pytest.mark.parametrize(
    ("content", "line", "event"),
    [
        ('{"type":"track","event":"a"}\n{"type":"track","event":"b"}\n', "2", "b"),
        ('{"type":"track","event":"a"}\n\nbroken\n{"type":"track","event":"b"}\n', "4", "b"),
        ('[{"type":"track","event":"a"},\n{"type":"track","event":"b"}]', "2", "b"),
        ('{\n  "type": "track",\n  "event": "a"\n}', "1", "a"),
        ('{"type": "track",\n "event": "a"}', "1", "a"),
    ],
)
def test_invoke_takes_an_event_of_a_file(
    content: str, line: str, event: str, isthmus: Isthmus, runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    (tmp_path / "events").write_text(content)
    ran = isthmus("invoke", FUNCTION, "--event", "events", "--line", line, "--json", plugins=[runtime])
    assert json.loads(ran.out)["value"]["event"] == event


def test_invoke_says_where_nothing_ran(isthmus: Isthmus, runtime: ScriptedRuntime) -> None:
    ran = isthmus("invoke", FUNCTION, "--event", '{"type":"trakc"}', plugins=[runtime])
    assert ran.status == 0
    assert ran.out.startswith("✓ nothing ran, for its type is none of Segment's seven: delivered")


def test_invoke_gives_a_batch(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("f")
    statuses = [{"status": 200}, {"status": 400, "errormessage": "no email"}]
    runtime = ScriptedRuntime({"onBatch": lambda events, _settings, _world: statuses[: len(events)]})
    ran = isthmus(
        "invoke", FUNCTION, "--batch", "--event", '[{"type":"track"},{"type":"page"}]', plugins=[runtime]
    )
    assert ran.status == 1
    assert "✗ onBatch refused bad_request" in ran.out
    assert "   2  ✗ refused  BadRequest: status 400: no email" in ran.out


def test_invoke_makes_a_request_of_a_webhook(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("onRequest")

    def on_request(request: dict[str, Any], _settings: object, world: World) -> None:
        world.sent.append({"type": "track", "event": request["text"], "userId": "u"})

    runtime = ScriptedRuntime({"onRequest": on_request})
    ran = isthmus(
        "invoke", FUNCTION, "--request", '{"body":"hello","headers":{"A":"b"}}', "--json", plugins=[runtime]
    )
    assert ran.status == 0
    assert json.loads(ran.out)["messages"] == [{"type": "track", "event": "hello", "userId": "u"}]


def test_a_kind_is_told_by_the_handlers_and_not_by_a_comment(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("// has no onRequest")
    runtime = ScriptedRuntime({"onTrack": lambda *_: None})
    ran = isthmus("check", FUNCTION, plugins=[runtime])
    assert ran.status == 0
    assert "kind         destination" in ran.out
    assert (runtime.loads, runtime.programs) == (2, 0)


def test_check_says_what_there_is(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / FUNCTION).write_text("f")
    (tmp_path / "function.toml").write_text(
        f'name = "mine"\nkind = "insert"\ncode = "{FUNCTION}"\n'
        '[[settings]]\nname = "key"\nrequired = true\nsensitive = true\n'
    )
    runtime = ScriptedRuntime(
        {"onPage": lambda *_: None, "onTrack": lambda *_: None, "onRequest": lambda *_: None}
    )
    ran = isthmus("check", ".", plugins=[runtime])
    assert ran.status == 0
    rows = dict(line.split("  ", 1) for line in ran.out.splitlines() if "  " in line)
    assert {name: rows[name].strip() for name in ("kind", "handlers", "unused", "setting")} == {
        "kind": "insert",
        "handlers": "onRequest, onTrack, onPage",
        "unused": "onRequest: not of a insert",
        "setting": "key · STRING, required, sensitive",
    }


def test_plugins_says_what_is_there_and_what_is_wrong(isthmus: Isthmus, runtime: ScriptedRuntime) -> None:
    class Broken:
        @hookimpl
        def isthmus_fetcher(self) -> object:
            raise RuntimeError("no network here")

    ran = isthmus("plugins", plugins=[runtime, Broken()])
    assert ran.status == 1
    assert "ScriptedRuntime  handed in" in ran.out
    assert "runtime scripted" in ran.out
    assert "none: the test's own Python callables" in ran.out
    assert "Broken: isthmus_fetcher failed: RuntimeError: no network here" in ran.out


def test_plugins_tells_versions_and_hooks_to_who_asks(isthmus: Isthmus, runtime: ScriptedRuntime) -> None:
    ran = isthmus("plugins", "--verbose", plugins=[runtime])
    assert ran.status == 0
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["ScriptedRuntime", "isthmus_runtimes", "isthmus.testing.runtime"] in rows
    assert [
        "quickjs",
        "isthmus_commands,",
        "isthmus_runtimes,",
        "isthmus_templates",
        "isthmus_quickjs",
    ] in rows
    assert {"python", "isthmus", "trio", "wasmtime"} <= {row[0] for row in rows if row}
    assert "none: the test's own Python callables" in ran.out
    assert "isthmus_runtimes" not in isthmus("plugins", plugins=[runtime]).out


STRANGERS = """
import sys
from isthmus.__main__ import main
status = main(["check", "f.js"])
print(status, [name for name in ("wasmtime.component", "isthmus_wasmtime._loading", "packaging", "isthmus._pipeline", "sqlite3", "nats", "asyncio")
               if name in sys.modules])
"""


def test_a_function_imports_nothing_of_other_languages_or_of_queues(tmp_path: Path) -> None:
    (tmp_path / "f.js").write_text("function onTrack() {}")
    done = subprocess.run(
        [sys.executable, "-c", STRANGERS],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["0 []"], done.stderr
