"""The runners for wasi-testsuite and Extism's plug-ins, on small modules of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conformance.__main__ import main
from tests.conformance.test_conformance import rows
from tests.wasm.modules import ECHO, command, plugin, says

WASI: dict[str, tuple[str, dict[str, object] | None]] = {
    "good/plain": (command(""), None),
    "good/output": (says("hello"), {"stdout": "hello"}),
    "good/status": (command("(call $proc_exit (i32.const 33))", uses="proc_exit"), {"exit_code": 33}),
    "good/trap": (command("unreachable"), {"exit_code": 134}),
    "good/stdin": (ECHO, {"stdin": "x", "stdout": '{"return":x}'}),
    "good/log": (
        command("(call $write (i32.const 2) (i32.const 1024) (i32.const 3))", data="why"),
        {"stderr": "why\n"},
    ),
    "bad/output": (says("hello"), {"stdout": "hullo"}),
    "bad/status": (command(""), {"exit_code": 1}),
    "bad/trap": (command("unreachable"), None),
    "bad/endless": (command("(loop (br 0))"), None),
    "bad/import": (
        '(module (import "env" "abort" (func)) (memory (export "memory") 1) (func (export "_start")))',
        None,
    ),
    "skipped/directories": (command(""), {"dirs": ["a"]}),
    "skipped/arguments": (command(""), {"args": ["a"], "env": {"A": "1"}}),
}


def test_commands_are_judged_by_their_manifests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, (text, manifest) in WASI.items():
        path = tmp_path / f"{name}.wat"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        if manifest is not None:
            path.with_suffix(".json").write_text(json.dumps(manifest))
    assert main(["wasi", str(tmp_path), "--json", "--list-failures", "--limit", "0.5"]) == 1
    found = rows(capsys)
    assert (found["good"]["passed"], found["good"]["failed"]) == (6, 0), found["good"]["failures"]
    assert (found["bad"]["passed"], found["bad"]["failed"]) == (0, 5)
    assert found["skipped"]["skipped"] == 2
    failures = found["bad"]["failures"]
    assert isinstance(failures, list)
    why = {each["path"]: each["why"] for each in failures}
    assert why["bad/output.wat"] == "standard output: expected 'hullo', and 'hello' came"
    assert why["bad/status.wat"] == "exit code: expected 1, and 0 came"
    assert "env.abort" in why["bad/import.wat"]


def test_plug_ins_are_called_as_a_list_beside_them_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.wasm.test_plugin import ECHO as COPYING

    (tmp_path / "echo.wat").write_text(COPYING.replace("on_track", "echo"))
    (tmp_path / "unreachable.wat").write_text(plugin("unreachable").replace("on_track", "do_unreachable"))
    (tmp_path / "loop.wat").write_text(
        plugin("(loop (br 0)) (i32.const 0)").replace("on_track", "infinite_loop")
    )
    (tmp_path / "unknown.wat").write_text(plugin(""))
    (tmp_path / "own.wat").write_text(COPYING)
    calls = [{"function": "on_track", "input": "a", "output": output} for output in ("a", "b")]
    (tmp_path / "own.json").write_text(json.dumps(calls))
    assert main(["extism", str(tmp_path), "--json", "--list-failures", "--limit", "0.5"]) == 1
    (line,) = [row for name, row in rows(capsys).items() if name == "."]
    failures = line["failures"]
    assert isinstance(failures, list)
    assert [each["why"] for each in failures] == ["expected 'b', and 'a' came"], failures
    assert (line["passed"], line["failed"], line["skipped"]) == (4, 1, 1)
