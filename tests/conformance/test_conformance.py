"""The conformance runner itself, on small suites of its own."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from tests.conformance.__main__ import main
from tests.conformance.tally import Result, Tally
from tests.conformance.test262 import parse_frontmatter

ASSERT = "function assert(value) { if (value !== true) throw new Test262Error('not so') }\n"
ERROR = "function Test262Error(message) { this.message = message } Test262Error.prototype.name = 'Test262Error';\n"
DONE = "function $DONE(error) { print(error ? 'Test262:AsyncTestFailure:' + error : 'Test262:AsyncTestComplete') }\n"
LANGUAGE = {
    "good/sloppy-and-strict.js": "/*---\ndescription: x\n---*/\nassert(1 + 1 === 2)",
    "good/strict.js": "/*---\nflags: [onlyStrict]\n---*/\nassert((function () { return this === undefined })())",
    "good/sloppy.js": "/*---\nflags: [noStrict]\n---*/\nassert((function () { return this === globalThis })())",
    "good/raw.js": "/*---\nflags: [raw]\n---*/\nif (typeof assert !== 'undefined') throw new Error('a harness')",
    "good/includes.js": "/*---\nincludes: [more.js]\n---*/\nassert(more === 5)",
    "good/early-error.js": "/*---\nnegative:\n  phase: parse\n  type: SyntaxError\n---*/\nlet a; let a;",
    "good/async.js": "/*---\nflags: [async]\n---*/\nPromise.resolve().then(() => $DONE())",
    "bad/assertion.js": "/*---\nflags: [raw]\n---*/\nthrow new TypeError('as asked')",
    "bad/no-error.js": "/*---\nflags: [noStrict]\nnegative:\n  phase: runtime\n  type: RangeError\n---*/\n",
    "bad/async.js": "/*---\nflags: [async, noStrict]\n---*/\nPromise.resolve().then(() => $DONE('late'))",
    "bad/endless.js": "/*---\nflags: [raw]\n---*/\nfor (;;);",
    "skipped/module.js": "/*---\nflags: [module]\n---*/\nimport './a.js'",
}


@pytest.fixture
def language(tmp_path: Path) -> Path:
    harness = {"assert.js": ASSERT, "sta.js": ERROR, "doneprintHandle.js": DONE, "more.js": "const more = 5;"}
    for folder, files in (("harness", harness), ("test", LANGUAGE)):
        for name, text in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tmp_path


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {row["directory"]: row for row in told}


def test_scripts_are_run_as_their_frontmatter_asks(
    language: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["test262", str(language), "--json", "--list-failures", "--limit", "0.5"])
    found = rows(capsys)
    assert status == 1
    assert (found["good"]["passed"], found["good"]["failed"]) == (11, 0)
    assert (found["bad"]["passed"], found["bad"]["failed"]) == (0, 4)
    assert found["skipped"]["skipped"] == 1
    failures = found["bad"]["failures"]
    assert isinstance(failures, list)
    why = {each["path"]: each["why"] for each in failures}
    assert why["bad/assertion.js"] == "TypeError: as asked"
    assert why["bad/no-error.js"] == "RangeError expected, nothing thrown"
    assert "late" in why["bad/async.js"]
    assert why["bad/endless.js"].startswith("stopped")


def test_a_filter_chooses_tests(language: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test262", str(language), "good/s", "--json"]) == 0
    assert rows(capsys)["all"]["passed"] == 4


def test_frontmatter_in_either_of_its_forms() -> None:
    text = "/*---\nflags: [async]\nincludes:\n  - a.js\n  - b.js\nfeatures: [x, y-z]\nnegative:\n  phase: parse\n  type: SyntaxError\n---*/"
    front = parse_frontmatter(text)
    assert front.includes == ("a.js", "b.js")
    assert front.features == {"x", "y-z"}
    assert front.negative == "SyntaxError"
    assert front.modes == (False, True)


HARNESS = """(function () {
  const tests = [], callbacks = [];
  const settle = (name, status, message = null) => { tests.push({ name, status, message }) };
  let running = 0;
  const done = () => { if (!--running) callbacks.forEach((callback) => callback(tests, { status: 0, message: null })) };
  globalThis.add_completion_callback = (callback) => callbacks.push(callback);
  globalThis.promise_test = (run, name) => {
    running++;
    run().then(() => settle(name, 0), (error) => settle(name, 1, String(error))).then(done);
  };
})()"""
PAGES = {
    "url/a.any.js": "// META: script=/shared/tools.js\n// META: variant=?x\n// META: variant=?y\n"
    "promise_test(async () => { if (three !== 3 || !'?x?y'.includes(location.search)) throw 1 }, 'tools');",
    "url/b.any.js": "promise_test(async () => { const data = await (await fetch('data.json')).json(); if (data.a !== 1) throw 1 }, 'data');\n"
    "promise_test(async () => { throw new Error('as asked') }, 'bad');",
    "url/c.any.js": "// META: script=nowhere.js\n",
    "url/d.any.js": "throw new TypeError('at once')",
}


def test_pages_are_run_with_their_scripts_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {
        "resources/testharness.js": HARNESS,
        "shared/tools.js": "const three = 3;",
        "url/data.json": '{"a":1}',
    }
    for name, text in (PAGES | more).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert main(["wpt", str(tmp_path), "--json", "--list-failures"]) == 1
    found = rows(capsys)["url"]
    assert (found["passed"], found["failed"]) == (3, 3)
    failures = found["failures"]
    assert isinstance(failures, list)
    why = {each["path"]: each["why"] for each in failures}
    assert "as asked" in why["url/b.any.js"]
    assert "nowhere.js" in why["url/c.any.js"]
    assert why["url/d.any.js"] == "TypeError: at once"


def test_a_directory_that_is_no_suite_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for suite in ("wpt", "test262"):
        with pytest.raises(SystemExit):
            main([suite, str(tmp_path)])
        assert "it is no root of" in capsys.readouterr().err


def test_rates_are_of_what_ran(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(1)
    for verdict in ("passed", "passed", "passed", "failed", "skipped"):
        tally.add(Result(PurePosixPath("a/b/c.js"), "", verdict, "why"))
    tally.print(as_json=False, failures=True)
    told = capsys.readouterr().out
    assert "75.0 %" in told
    assert "1 skipped" in told
    assert "a/b/c.js : why" in told
