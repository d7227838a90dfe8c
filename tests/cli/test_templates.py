"""Each template: made, loaded by its runtime, run on its sample, and as it is expected to be."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import isthmus_cpython
import isthmus_fetch
import isthmus_quickjs
from isthmus import Kind
from isthmus._cli.new import manifest_of
from isthmus.templates import PLAIN, Template

from .conftest import Isthmus

CLASSES = (
    "EventNotSupported",
    "InvalidEventPayload",
    "ValidationError",
    "RetryError",
    "DropEvent",
    "FetchError",
)
PLUGINS = (isthmus_quickjs, isthmus_cpython, isthmus_fetch)
ALL = [*isthmus_quickjs.isthmus_templates(), *isthmus_cpython.isthmus_templates()]
BY_NAME = {
    f"{template.kind.value}/{template.name if template.language == 'javascript' else template.language}": template
    for template in ALL
}


PATIENT = ("--wall", "5m")
"""As long as a busy machine may take."""


@pytest.fixture(params=BY_NAME)
def template(request: pytest.FixtureRequest) -> Template:
    return BY_NAME[request.param]


def make(isthmus: Isthmus, template: Template, name: str = "mine") -> None:
    ran = isthmus(
        "new", template.kind.value, name, "--language", template.language, "--template", template.name
    )
    assert (ran.status, ran.err) == (0, "")


def test_every_kind_has_a_plain_template() -> None:
    assert {template.kind for template in ALL if template.name == PLAIN} == set(Kind)
    assert {
        "source/zendesk",
        "source/bigcommerce",
        "destination/orders",
        "destination/batch",
        "insert/enrich",
    } <= set(BY_NAME)


def test_it_does_what_it_is_expected_to(template: Template, isthmus: Isthmus, tmp_path: Path) -> None:
    make(isthmus, template)
    events = manifest_of(template).sample.events
    lines = len((tmp_path / "mine" / events).read_text().splitlines())
    ran = isthmus("test", "mine", *PATIENT, plugins=PLUGINS)
    assert (ran.status, ran.err) == (0, "")
    expected = -(-lines // 20) if template.name == "batch" else lines
    cases = len(list((tmp_path / "mine" / "cases").glob("*")))
    told = f"✓ {cases} of {cases} cases as expected\n" if cases else ""
    assert ran.out == f"✓ {expected} of {expected} lines as expected\n{told}"


def test_a_function_that_does_something_else_is_found_out(
    template: Template, isthmus: Isthmus, tmp_path: Path
) -> None:
    make(isthmus, template)
    code = tmp_path / "mine" / manifest_of(template).code
    handler = (
        "onBatch"
        if template.name == "batch"
        else "onRequest"
        if template.kind is Kind.SOURCE
        else "onIdentify"
    )
    if template.language == "python":
        pythonic = "on_request" if handler == "onRequest" else "on_identify"
        code.write_text(
            f"{code.read_text()}\n\ndef {pythonic}(given, settings): raise ValueError('changed')\n"
        )
        ran = isthmus("test", "mine", *PATIENT, plugins=PLUGINS)
        assert (ran.status, "✗ line 1\n" in ran.out) == (1, True)
        return
    changed = f"function {handler}() {{ throw new RetryError('changed') }}"
    if template.language == "typescript":
        before, after = f"export async function {handler}(", f"export async {changed}\nasync function was("
    else:
        before, after = "\n", f"\n{handler} = async {changed};\n"
    text = code.read_text() + "\n"
    where = text.rindex(before)
    code.write_text(text[:where] + after + text[where + len(before) :])
    ran = isthmus("test", "mine", *PATIENT, plugins=PLUGINS)
    assert ran.status == 1
    assert "✗ line 1\n" in ran.out
    assert "lines as expected" in ran.out


def test_its_readme_names_its_files_and_its_settings(
    template: Template, isthmus: Isthmus, tmp_path: Path
) -> None:
    make(isthmus, template)
    readme = (tmp_path / "mine" / "README.md").read_text()
    for path in (tmp_path / "mine").rglob("*"):
        if path.is_dir():
            continue
        assert f"| `{path.relative_to(tmp_path / 'mine').as_posix()}` | " in readme
        assert "{{" not in path.read_text()
    for setting in manifest_of(template).settings or ():
        assert f"| `{setting['name']}` | {setting['type']}" in readme


def test_its_commands_are_those_that_work(template: Template, isthmus: Isthmus) -> None:
    ran = isthmus("new", template.kind.value, "my own", "--template", template.name)
    commands = [line.strip().split("  ")[0] for line in ran.out.splitlines() if line.startswith("  isthmus ")]
    assert len(commands) >= 3
    for command in commands:
        _, *argv = shlex.split(command)
        ran = isthmus(*argv, plugins=PLUGINS)
        assert ran.status in {0, 1}
        assert "Traceback" not in ran.err


def test_check_finds_its_handlers(template: Template, isthmus: Isthmus) -> None:
    make(isthmus, template)
    ran = isthmus("check", "mine", plugins=PLUGINS)
    assert (ran.status, ran.err) == (0, "")
    assert re.search(f"^kind +{template.kind.value}$", ran.out, re.MULTILINE)
    assert "unused" not in ran.out


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_every_kind_has_a_template_in_typescript_with_types(
    kind: str, isthmus: Isthmus, tmp_path: Path
) -> None:
    ran = isthmus("new", kind, "mine", "--language", "typescript")
    assert (ran.status, ran.err) == (0, "")
    assert "Now edit mine/function.ts, and run it:" in ran.out
    names = {path.name for path in (tmp_path / "mine").iterdir()}
    assert {"function.ts", "function.toml", "isthmus.d.ts", "tsconfig.json"} <= names
    types = (tmp_path / "mine" / "isthmus.d.ts").read_text()
    for name in (*CLASSES, "Segment", "cache", "TrackEvent", "FunctionRequest", "BatchResult"):
        assert re.search(rf"^(declare (class|const)|interface) {name}\b", types, re.MULTILINE), name


def test_a_language_without_templates_says_which_there_are(isthmus: Isthmus) -> None:
    ran = isthmus("new", "insert", "mine", "--language", "cobol")
    assert ran.status == 2
    assert "there is no template in 'cobol' for the kind insert: there are some in " in ran.err
    assert "javascript, " in ran.err
    ran = isthmus("new", "insert", "mine", "--language", "typescript", "--template", "enrich")
    assert "'enrich' is a insert function in javascript" in ran.err


def test_nothing_that_is_there_is_written_over(isthmus: Isthmus, tmp_path: Path) -> None:
    make(isthmus, ALL[0])
    before = {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*.*")}
    assert isthmus("new", "insert", "mine").status == 2
    assert {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*.*")} == before


def test_the_list_has_them_all(isthmus: Isthmus) -> None:
    ran = isthmus("new", "--list")
    rows = {tuple(line.split(maxsplit=3)[:3]) for line in ran.out.splitlines()[1:]}
    assert {(each.kind.value, each.language, each.name) for each in ALL} <= rows


# ---------------------------------------------------------------- what they do


def outcomes(isthmus: Isthmus, template: str, *argv: str) -> tuple[int, list[dict[str, Any]], str]:
    make(isthmus, BY_NAME[template])
    ran = isthmus("run", "mine", *argv, *PATIENT, plugins=PLUGINS)
    return ran.status, ran.lines, ran.err


def test_the_first_look_ends_well_and_shows_what_the_sink_got(isthmus: Isthmus) -> None:
    status, lines, err = outcomes(isthmus, "destination/orders", "--sink", "endpoint")
    assert status == 0
    assert {line["status"] for line in lines} == {"delivered"}
    assert f"answered {len(lines)} requests" in err
    assert "POST  /orders     → 201  16" in err
    (exchange,) = lines[1]["exchanges"]
    assert ["authorization", "Bearer [redacted:apiKey]"] in exchange["request_headers"]


def test_events_that_go_wrong_each_go_wrong_in_another_way(isthmus: Isthmus) -> None:
    status, lines, err = outcomes(isthmus, "destination/orders", "mine/broken.ndjson", "--sink", "endpoint")
    assert status == 1
    assert [(line["line"], line["status"], line.get("problem", {}).get("name")) for line in lines] == [
        (1, "delivered", None),
        (2, "refused", "InvalidEventPayload"),
        (4, "retry", "RetryError"),
        (5, "refused", "EventNotSupported"),
        (6, "refused", "TypeError"),
        (7, "refused", "InvalidEventPayload"),
        (8, "refused", "EventNotSupported"),
        (9, "delivered", None),
    ]
    assert "mine/broken.ndjson, line 3: an event is a JSON object, and this is not JSON" in err
    assert "mine/function.js:" in lines[4]["problem"]["stack"]


def test_an_order_is_enriched_by_the_api(isthmus: Isthmus) -> None:
    status, lines, _ = outcomes(isthmus, "source/bigcommerce", "--sink", "apiBase")
    assert status == 1  # the third is throttled, the fourth is no order that was created
    identify, track = lines[0]["messages"]
    assert identify["traits"]["email"] == "ada.okafor@example.com"
    assert (track["event"], track["properties"]["order_id"], track["properties"]["total"]) == (
        "Order Completed",
        "250",
        99.18,
    )
    assert [product["sku"] for product in track["properties"]["products"]] == ["POT-01", "TEA-01"]
    assert sorted(exchange["url"].partition("/v2/")[2] for exchange in lines[0]["exchanges"]) == [
        "orders/250",
        "orders/250/products",
    ]
    assert [line["status"] for line in lines] == ["delivered", "delivered", "retry", "refused"]


def test_a_ticket_becomes_a_user_and_events(isthmus: Isthmus) -> None:
    _, lines, _ = outcomes(isthmus, "source/zendesk")
    names = [
        [message.get("event", message["type"]) for message in line.get("messages", ())] for line in lines
    ]
    assert names == [
        ["identify", "Ticket Created"],
        ["Ticket Status Changed"],
        ["identify", "Ticket Created"],
        ["Ticket Solved"],
        ["Ticket Reopened"],
        [],
        [],
    ]
    assert lines[6]["problem"]["message"] == "the webhook is not signed by Zendesk"


def test_each_event_of_a_batch_has_a_result_of_its_own(isthmus: Isthmus) -> None:
    status, lines, _ = outcomes(isthmus, "destination/batch", "--sink", "endpoint")
    assert status == 1
    assert [len(line["lines"]) for line in lines] == [20, 20, 5]
    by_line = {
        number: item for line in lines for number, item in zip(line["lines"], line["items"], strict=True)
    }
    assert by_line[8]["problem"]["message"] == "status 400: the user u-2007 has no email"
    assert by_line[1]["status"] == "retry"  # the API had too much of that one
    assert sum(item["status"] == "delivered" for item in by_line.values()) == 41


def test_an_address_is_hashed_with_the_salt(isthmus: Isthmus) -> None:
    _, lines, _ = outcomes(isthmus, "insert/enrich")
    expected = hashlib.sha256(b"example-salt" + b"ada.okafor@example.com").hexdigest()
    assert lines[0]["value"]["traits"] == {
        "firstName": "Ada",
        "plan": "team",
        "email_sha256": expected,
        "plan_price": 49,
    }
    assert [line["status"] for line in lines] == [
        "delivered",
        "dropped",
        "refused",
        "delivered",
        "dropped",
        "delivered",
        "delivered",
        "refused",
    ]


def test_expectations_can_be_written_anew(isthmus: Isthmus, tmp_path: Path) -> None:
    make(isthmus, BY_NAME["destination/plain"])
    code = tmp_path / "mine" / "function.js"
    code.write_text(
        code.read_text().replace("JSON.stringify(event)", "JSON.stringify({ id: event.messageId })")
    )
    assert isthmus("test", "mine", *PATIENT, plugins=PLUGINS).status == 1
    assert isthmus("test", "mine", "--update", *PATIENT, plugins=PLUGINS).status == 0
    assert isthmus("test", "mine", *PATIENT, plugins=PLUGINS).status == 0
    first = json.loads((tmp_path / "mine" / "expected.ndjson").read_text().splitlines()[0])
    assert first["requests"][0]["body"] == {"id": "msg-1"}


# ---------------------------------------------------------------- before somebody's eyes


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
def test_on_a_terminal_a_call_and_a_table_are_shown_and_no_json_lines(
    isthmus: Isthmus, tmp_path: Path
) -> None:
    make(isthmus, BY_NAME["destination/orders"])
    program = (
        "import sys, isthmus_quickjs, isthmus_fetch; from isthmus.__main__ import main; "
        "sys.exit(main(plugins=[isthmus_quickjs, isthmus_fetch]))"
    )
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program, "run", "mine", "--sink", "endpoint", *PATIENT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "NO_COLOR": ""},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # how Linux says that nobody has the other end any more
                break
            if not chunk:
                break
            shown += chunk
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0
    assert '{"line"' not in text
    assert "── line 1 ──" in text
    assert "\x1b[32mdelivered\x1b[0m" in text
    assert "answered 23 requests" in text
    assert "(--out FILE keeps the outcomes)" in text
