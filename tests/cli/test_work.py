"""``isthmus work`` and ``isthmus send``: a pipeline from a file, over a queue on disk, killed and interrupted."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from isthmus._cli.interrupts import ECHO
from isthmus._cli.lanereport import LaneReport
from isthmus._cli.screen import Screen
from isthmus.abc import FetchResponse
from isthmus.outcomes import Code, Problem, Status
from isthmus.pipelines import Attempted, BreakerMoved, LaneStats, PipelineStats
from isthmus.rules import Refused
from isthmus.testing import MockFetcher, ScriptedRuntime, Throw, World

from .conftest import Isthmus, Ran, track

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and locks")

SECRET = "s3cr3t-of-the-test"
QUEUE = ("--queue", "sqlite:q.db")
ARCHIVE = """
[[source]]
id = "web"

[[destination]]
name = "archive"
file = "out.ndjson"
"""

Call = Callable[..., Ran]


def crm(event: dict[str, Any], settings: dict[str, Any], _world: World) -> object:
    """Does as the event says, and lets slip what it must not."""
    what = event["properties"].get("do")
    if what == "reject":
        raise Throw("ValidationError", f"{settings['apiKey']} may not")
    if what == "retry":
        raise Throw("RetryError", "busy")
    return None


def mask(event: dict[str, Any], _settings: dict[str, Any], _world: World) -> object:
    return {**event, "userId": "masked"}


def hook(request: dict[str, Any], _settings: dict[str, Any], world: World) -> None:
    world.sent.append({"type": "track", "event": json.loads(request["text"])["name"], "userId": "u"})


@pytest.fixture
def call(isthmus: Isthmus, tmp_path: Path) -> Call:
    """Functions of three kinds, each in a directory as `isthmus new` makes them."""
    definitions = {
        "crm": 'kind = "destination"\n[[settings]]\nname = "apiKey"\nsensitive = true\nrequired = true',
        "mask": 'kind = "insert"',
        "hook": 'kind = "source"',
    }
    for name, definition in definitions.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "function.scripted").write_text(name)
        (tmp_path / name / "function.toml").write_text(f'code = "function.scripted"\n{definition}')
    runtime = ScriptedRuntime(
        scripts={"crm": {"onTrack": crm}, "mask": {"onTrack": mask}, "hook": {"onRequest": hook}}
    )
    return lambda *argv, plugins=(): isthmus(*argv, plugins=[runtime, *plugins])


def write(path: Path, *lines: bytes) -> str:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path.name


def arrived(directory: Path) -> list[dict[str, Any]]:
    path = directory / "out.ndjson"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def users(directory: Path) -> list[str]:
    return sorted(event["userId"] for event in arrived(directory))


def counts(ran: Ran, queue: str) -> list[str]:
    """Of a queue's row: delivered, dropped, retried, dead, left, delayed."""
    rows = [line.split()[1:] for line in ran.err.splitlines() if line.startswith(f"{queue} ")]
    return rows[-1]


# ---------------------------------------------------------------- from end to end


def test_events_pass_inserts_and_filters_to_functions_and_files(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_KEY", SECRET)
    (tmp_path / "pipeline.toml").write_text(
        """
        [[source]]
        id = "web"
        inserts = ["mask"]

        [[destination]]
        name = "crm"
        function = "crm"
        settings = {apiKey = {env = "CRM_KEY"}}
        concurrency = 8
        rate = 1000

        [[destination]]
        name = "archive"
        file = "out.ndjson"
        filter = {except_events = ["Private"]}
        batching = {count = 2, wait = 0}

        [[destination]]
        name = "asleep"
        file = "never.ndjson"
        enabled = false
        """
    )
    private = {"type": "track", "event": "Private", "userId": "p", "properties": {}}
    events = write(tmp_path / "e", track(1), track(2), track(3), json.dumps(private).encode())
    ran = call("work", "pipeline.toml", *QUEUE, "--send", events, "--until-idle")
    assert ran.status == 0
    assert users(tmp_path) == ["masked"] * 3
    assert counts(ran, "destination:crm") == ["4", "0", "0", "0", "0", "0"]
    assert counts(ran, "destination:archive") == ["3", "0", "0", "0", "0", "0"]
    assert not (tmp_path / "never.ndjson").exists()
    assert "accepted 4 events of source web\n" in ran.err


def test_what_is_given_up_is_said_with_its_reason_and_without_secrets(call: Call, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    (tmp_path / "pipeline.toml").write_text(
        """
        [[source]]
        id = "web"
        [[destination]]
        name = "crm"
        function = "crm"
        settings.apiKey = {file = "key"}
        """
    )
    events = write(tmp_path / "e", track(1), track(2, do="reject"), track(3, do="retry"))
    ran = call("work", "pipeline.toml", *QUEUE, "--send", events, "--until-idle", "--debug")
    assert ran.status == 1
    assert counts(ran, "destination:crm") == ["1", "0", "1", "1", "0", "1"]
    assert (
        "is given up after 1 attempt: message_rejected: ValidationError: [redacted:apiKey] may not" in ran.err
    )
    assert "1 delivery was given up" in ran.err
    assert SECRET not in ran.out + ran.err
    assert SECRET not in call("dead", "list", "sqlite:q.db").out


def test_what_a_file_refers_to_is_sensitive_also_where_the_function_does_not_say_so(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_KEY", SECRET)
    definition = tmp_path / "crm" / "function.toml"
    definition.write_text(definition.read_text().replace("sensitive = true", ""))
    (tmp_path / "pipeline.toml").write_text(
        """
        [[source]]
        id = "web"
        [[destination]]
        name = "crm"
        function = "crm"
        settings.apiKey = {env = "CRM_KEY"}
        """
    )
    ran = call(
        "work",
        "pipeline.toml",
        *QUEUE,
        "--send",
        write(tmp_path / "e", track(1, do="reject")),
        "--until-idle",
    )
    assert "[redacted:apiKey] may not" in ran.err
    assert SECRET not in ran.err


def test_an_endpoint_gets_events_and_a_key_that_nobody_sees(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", f"https://api.example.com/{SECRET}")
    (tmp_path / "key").write_text(f"Bearer {SECRET}")
    (tmp_path / "pipeline.toml").write_text(
        """
        [[source]]
        id = "web"
        [[destination]]
        name = "api"
        http = {env = "HOOK"}
        method = "PUT"
        headers = {authorization = {file = "key"}}
        """
    )
    fetcher = MockFetcher(
        lambda request: FetchResponse(status=204 if b"u1" in (request.body or b"") else 400)
    )
    write(tmp_path / "e", track(1))
    ran = call("work", "pipeline.toml", *QUEUE, "--send", "e", "--until-idle", plugins=[fetcher])
    assert ran.status == 0
    (request,) = fetcher.requests
    assert (request.method, request.url) == ("PUT", f"https://api.example.com/{SECRET}")
    assert ("authorization", f"Bearer {SECRET}") in request.headers
    write(tmp_path / "e", track(2))
    refused = call(
        "work", "pipeline.toml", *QUEUE, "--send", "e", "--until-idle", "--debug", plugins=[fetcher]
    )
    assert refused.status == 1
    assert "status 400" in refused.err
    assert SECRET not in ran.err + refused.err


def test_webhooks_of_a_source_function(call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE.replace('id = "web"', 'id = "web"\nfunction = "hook"'))
    webhooks = write(tmp_path / "e", b'{"name":"A"}', b"{not", b'{"name":"B"}')
    sent = call("send", "pipeline.toml", webhooks, *QUEUE)
    assert sent.status == 1
    assert "e, line 2: a webhook is JSON" in sent.err
    assert "accepted 2 webhooks of source web, 1 line broken" in sent.err
    ran = call("work", "pipeline.toml", *QUEUE, "--until-idle")
    assert ran.status == 0
    assert counts(ran, "webhook:web")[0] == "2"
    assert sorted(event["event"] for event in arrived(tmp_path)) == ["A", "B"]


# ---------------------------------------------------------------- sending


def test_sending_delivers_nothing_and_needs_no_secret(call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(
        """
        [[source]]
        id = "web"
        inserts = ["mask"]
        [[destination]]
        name = "crm"
        function = "crm"
        settings.apiKey = {env = "NOT_SET_HERE"}
        [[destination]]
        name = "archive"
        file = "out.ndjson"
        """
    )
    (tmp_path / "e").write_bytes(gzip.compress(b"\n".join([track(1), b"[1]", b"{broken", track(4)])))
    ran = call("send", "pipeline.toml", "e", *QUEUE, "--source", "web")
    assert ran.status == 1
    assert "e, line 2: " in ran.err
    assert "e, line 3: " in ran.err
    assert "accepted 2 events of source web, 2 lines broken" in ran.err
    assert not arrived(tmp_path)
    lines = [json.loads(line) for line in call("queue", "sqlite:q.db", "--json").out.splitlines()]
    assert {line["queue"]: line["waiting"] for line in lines if line["waiting"]} == {"source:web": 2}


def test_a_file_that_is_sent_again_is_kept_once_and_a_changed_one_is_not_taken_for_it(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    events = write(
        tmp_path / "e", *(track(n) for n in range(1200)), b'{"type":"track","userId":"u","messageId":"own"}'
    )
    for _ in range(2):
        assert call("send", "pipeline.toml", events, *QUEUE).status == 0
    assert call("work", "pipeline.toml", *QUEUE, "--until-idle").status == 0
    assert len(arrived(tmp_path)) == 1201
    assert len({event["messageId"] for event in arrived(tmp_path)}) == 1201
    # Acknowledged since, and still known.
    assert call("work", "pipeline.toml", *QUEUE, "--send", events, "--until-idle").status == 0
    assert len(arrived(tmp_path)) == 1201
    before = os.stat(tmp_path / "e").st_mtime_ns
    os.utime(tmp_path / "e", ns=(before, before + 1))
    assert call("work", "pipeline.toml", *QUEUE, "--send", events, "--until-idle").status == 0
    assert len(arrived(tmp_path)) == 2401


def test_from_line_leaves_out_what_is_before(call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    events = write(tmp_path / "e", *(track(n) for n in range(1, 6)))
    assert call("send", "pipeline.toml", events, *QUEUE, "--from-line", "4").status == 0
    call("work", "pipeline.toml", *QUEUE, "--until-idle", "--quiet")
    assert users(tmp_path) == ["u4", "u5"]


@pytest.mark.slow
def test_what_has_no_room_waits_where_something_works_and_else_is_said(call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    small = ("--queue", "sqlite:small.db?max_bytes=6000000")
    events = write(tmp_path / "e", *(track(n, text="x" * 4000) for n in range(3000)))
    sent = call("send", "pipeline.toml", events, *small)
    assert sent.status == 1
    assert "the queue did not keep all: " in sent.err
    found = re.search(r"go on with --from-line (\d+) of e;", sent.err)
    assert found is not None
    call("work", "pipeline.toml", *small, "--until-idle")
    first = len(arrived(tmp_path))
    assert int(found[1]) - 1 <= first < 3000
    ran = call("work", "pipeline.toml", *small, "--send", events, "--from-line", found[1], "--until-idle")
    assert ran.status == 0
    assert "what is sent waits: " in ran.err
    assert set(users(tmp_path)) == {f"u{n}" for n in range(3000)}
    assert len(arrived(tmp_path)) == 3000


# ---------------------------------------------------------------- as it goes


async def test_a_line_every_few_seconds_in_which_something_was_done(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stream = io.StringIO()
    report = LaneReport(Screen(stream))
    done = 0

    def look() -> PipelineStats:
        crm = LaneStats(delivered=done, retried={"retry": 2 * done}, dead={"window": done}, breaker="open")
        return PipelineStats(lanes={"source:web": LaneStats(delivered=7), "destination:crm": crm})

    with trio.move_on_after(22):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(report.follow, look)
            await trio.sleep(7)  # a line's time has passed, and nothing was done
            done = 1000
            await trio.sleep_forever()
    assert stream.getvalue() == (
        "1,000 delivered · 2,000 retried · 1,000 dead · 400/s · crm 1,000 (left alone)\n"
    )


def test_of_what_is_given_up_the_first_few_are_shown() -> None:
    stream = io.StringIO()
    report = LaneReport(Screen(stream))
    for number in range(50):
        report.observe(
            Attempted(
                queue="destination:crm",
                delivery=f"web:m{number}\x1b[2J",
                attempt=3,
                status=Status.REFUSED,
                problem=Problem(name="ValidationError", message="no\nsuch", code=Code.MESSAGE_REJECTED),
                decision=Refused("permanent"),
                at=0.0,
                age=0.0,
                took=0.0,
            )
        )
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0] == (
        "destination:crm: web:m0\\x1b[2J is given up after 3 attempts: message_rejected: ValidationError: no such"
    )
    assert lines[-1].endswith("(further ones are only counted)")
    for state in ("open", "half_open", "closed"):
        report.observe(BreakerMoved("destination:crm", state))
    moved = stream.getvalue().splitlines()[5:]
    assert [line.split()[1] for line in moved] == ["fails", "answers"]


# ---------------------------------------------------------------- killed and interrupted

PROGRAM = """
import sys, trio
from isthmus.__main__ import main
from isthmus.testing import ScriptedRuntime

async def on_track(event, settings, world):
    open("begun", "a").close()
    await trio.sleep_forever()

sys.exit(main(plugins=[ScriptedRuntime({"onTrack": on_track})]))
"""


@contextmanager
def running(tmp_path: Path, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    process = subprocess.Popen(
        [sys.executable, "program.py", *argv],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Wait for what another process does."""
    ends = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < ends
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.01)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, err = process.communicate(timeout=300)
    return process.returncode, err.decode()


SLOW = "batching = {count = 1}\nrate = {per_second = 10, burst = 1}\n"


def test_a_kill_loses_nothing_that_was_accepted(call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE + SLOW)
    write(tmp_path / "e", *(track(n) for n in range(300)))
    assert call("send", "pipeline.toml", "e", *QUEUE).status == 0
    with running(tmp_path, "work", "pipeline.toml", *QUEUE) as process:
        until(lambda: len(arrived(tmp_path)) >= 5, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 5 <= len(arrived(tmp_path)) < 300
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    assert call("work", "pipeline.toml", *QUEUE, "--until-idle").status == 0
    assert set(users(tmp_path)) == {f"u{n}" for n in range(300)}


@pytest.mark.slow
def test_a_sending_that_was_killed_is_done_again(call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    events = write(tmp_path / "e", *(track(n) for n in range(20_000)))
    with running(tmp_path, "work", "pipeline.toml", *QUEUE, "--send", events) as process:
        until(lambda: (tmp_path / "out.ndjson").exists(), process)
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate()
    assert b"accepted" not in err  # it was in the midst of it
    assert call("work", "pipeline.toml", *QUEUE, "--send", events, "--until-idle").status == 0
    # A line may have been cut by the kill, whose event then comes again.
    seen = {
        match[1] for match in re.finditer(rb'"userId":\s*"(u\d+)"', (tmp_path / "out.ndjson").read_bytes())
    }
    assert seen == {b"u%d" % n for n in range(20_000)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_in_peace(number: signal.Signals, call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE + SLOW)
    write(tmp_path / "e", *(track(n) for n in range(300)))
    assert call("send", "pipeline.toml", "e", *QUEUE).status == 0
    with running(tmp_path, "work", "pipeline.toml", *QUEUE) as process:
        until(lambda: arrived(tmp_path), process)
        process.send_signal(number)
        status, err = ended(process)
    assert status == 130
    assert "interrupted: what is under way may go on for 10 s" in err
    done = arrived(tmp_path)
    assert 1 <= len(done) < 300
    assert counts(Ran(status, "", err), "destination:archive")[0] == str(len(done))
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    assert call("work", "pipeline.toml", *QUEUE, "--until-idle").status == 0
    assert users(tmp_path) == sorted(f"u{n}" for n in range(300))  # and nothing twice


def test_a_second_interrupt_stops_at_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "f.scripted").write_text("f")
    (tmp_path / "pipeline.toml").write_text(ARCHIVE.replace('file = "out.ndjson"', 'function = "f.scripted"'))
    write(tmp_path / "e", track(1))
    options = ("--grace", "1h", "--wall", "1h")
    with running(tmp_path, "work", "pipeline.toml", *QUEUE, "--send", "e", *options) as process:
        until((tmp_path / "begun").exists, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while b"interrupt again to stop at once" not in (line := process.stderr.readline()):
            assert line
        time.sleep(2 * ECHO)  # one that follows at once is taken for an echo
        process.send_signal(signal.SIGINT)
        status, _ = ended(process)
    assert status == 130
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    assert call("work", "pipeline.toml", *QUEUE, "--until-idle").status == 0
    assert users(tmp_path) == ["u1"]


def test_an_interrupted_sending_says_where_to_go_on(call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    with running(tmp_path, "send", "pipeline.toml", "-", *QUEUE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"{broken\n" + track(2) + b"\n")
        process.stdin.flush()
        assert b"standard input, line 1: " in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        # Nothing more comes, and the pipe stays open: it is not waited for.
        process.wait(timeout=300)
        err = process.stderr.read().decode()
    assert process.returncode == 130
    call("work", "pipeline.toml", *QUEUE, "--until-idle")
    found = re.search(r"go on with --from-line (\d+) of standard input", err)
    assert found is not None
    assert int(found[1]) <= 2 or users(tmp_path) == ["u2"]  # what it leaves out is kept


def test_a_file_that_another_process_has_is_worked_on_by_that_alone_and_can_be_asked(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    write(tmp_path / "e", track(1))
    write(tmp_path / "more", track(2), track(3))
    with running(tmp_path, "work", "pipeline.toml", *QUEUE, "--send", "e") as process:
        until(lambda: arrived(tmp_path), process)
        ran = call("work", "pipeline.toml", *QUEUE)
        assert ran.status == 2
        assert f"q.db is open in the process {process.pid}" in ran.err
        ran = call("send", "pipeline.toml", "more", *QUEUE)
        assert (ran.status, ran.err) == (0, "accepted 2 events of source web\n")
        until(lambda: len(arrived(tmp_path)) == 3, process)
        ran = call("queue", "sqlite:q.db", "--json")
        assert (ran.status, json.loads(ran.out)["queue"]) == (0, "destination:archive")
        assert call("dead", "list", "sqlite:q.db").out == "there are no dead letters\n"
        assert call("doctor", "--queue", "sqlite:q.db").status in {0, 1}
        (tmp_path / "q.db-socket").unlink()
        ran = call("queue", "sqlite:q.db")
        assert ran.status == 2
        assert f"q.db is open in the process {process.pid}" in ran.err
    assert users(tmp_path) == ["u1", "u2", "u3"]


# ---------------------------------------------------------------- wrong calls

GOAL = '[[source]]\nid = "web"\n[[destination]]\nname = "d"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("= 1", "pipeline.toml defines no pipeline: "),
        ("", "pipeline.toml defines no pipeline: it has no [[source]]"),
        ('[[source]]\nid = "web"', "pipeline.toml defines no pipeline: it has no [[destination]]"),
        ("queue = 1", "Object contains unknown field `queue`"),
        (GOAL + 'fiel = "x"', "Object contains unknown field `fiel` - at `$.destination[0]`"),
        (GOAL + "file = 1", "Expected `str`, got `int` - at `$.destination[0].file`"),
        (GOAL + 'file = "f"\nenabled = "no"', "at `$.destination[0].enabled`"),
        (GOAL, "destination 'd' goes nowhere: give it one of function, http and file"),
        (GOAL + 'file = "f"\nhttp = "u"', "destination 'd' has http and file: give it one of"),
        (GOAL + 'file = "f"\nsettings = {a = "b"}', "settings is for function, and it has file"),
        (GOAL + 'file = "f"\nmethod = "PUT"', "method is for http, and it has file"),
        (
            GOAL + 'file = "f"\nfilter = {type = ["track"]}',
            "destination 'd': filter has no field 'type'; it has types",
        ),
        (GOAL + 'file = "f"\nrate = 0', "destination 'd': rate: Rate.per_second takes a number above 0"),
        (GOAL + 'file = "f"\nrate = {a_second = 1}', "destination 'd': rate has no field 'a_second'"),
        (GOAL + 'file = "f"\nbatching = {count = 0}', "destination 'd': batching: Batching.count takes"),
        (
            GOAL + 'file = "f"\nbatching = {count = "2"}',
            "destination 'd': batching: Expected `int`, got `str`",
        ),
        (
            GOAL + 'file = "f"\nbreaker = {failures = 0}',
            "destination 'd': breaker: BreakerPolicy.failures takes",
        ),
        (GOAL + 'file = "f"\nschedule = {first = [1, 2]}', "destination 'd': schedule: "),
        (GOAL + 'file = "f"\ntimeout = -1', "destination 'd': Destination.timeout takes seconds"),
        (GOAL + 'file = "none/f"', "destination 'd': there is no directory 'none' for its file"),
        (GOAL + 'http = "u"\negress = {alow = []}', "destination 'd': egress has no field 'alow'"),
        (
            GOAL + 'http = {env = "NONE_SUCH"}',
            "destination 'd': http takes the variable NONE_SUCH, and there is none",
        ),
        (GOAL + 'http = {url = "u"}', "destination 'd': http is text, "),
        (
            GOAL + 'http = "u"\nheaders = {a = {file = "no"}}',
            "headers: a takes the file no, which cannot be read",
        ),
        (
            GOAL + 'function = "crmm"',
            "destination 'd': there is no file or directory 'crmm'; did you mean 'crm'?",
        ),
        (GOAL + 'function = "crm"', "apiKey"),
        (GOAL + 'function = "crm"\nsettings = "none.json"', "none.json cannot be read"),
        (
            GOAL + 'function = "crm"\nsettings = {apiKey = {env = "NONE_SUCH"}}',
            "apiKey takes the variable NONE_SUCH",
        ),
        (GOAL + 'function = "crm"\nsettings = {"a=b" = {env = "PATH"}}', "no setting is called 'a=b'"),
        (GOAL + 'function = "mask"', "destination 'd' takes a function of the kind destination there"),
        (
            GOAL + 'file = "f"\ninserts = ["hook"]',
            "destination 'd' takes a function of the kind insert there",
        ),
        (
            GOAL + 'file = "f"\ninserts = ["no"]',
            "destination 'd': insert 1: there is no file or directory 'no'",
        ),
        (GOAL.replace("web", "w b") + 'file = "f"', "source 'w b': Source.id takes 1 to 100 printable"),
        (
            GOAL.replace('"web"', '"web"\nsettings = {a = 1}') + 'file = "f"',
            "settings or egress, and no function",
        ),
        (GOAL.replace('"web"', '"web"\ndestinations = ["e"]') + 'file = "f"', "names a destination 'e'"),
        (
            GOAL + 'file = "f"\n[[destination]]\nname = "d"\nfile = "g"',
            "there are two destinations of the name 'd'",
        ),
    ],
)
def test_a_pipeline_that_is_none_is_said_by_its_key(text: str, said: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(text)
    fetcher = MockFetcher(lambda _: FetchResponse(status=200))
    ran = call("work", "pipeline.toml", *QUEUE, "--until-idle", plugins=[fetcher])
    assert ran.status == 2
    assert said in ran.err
    assert ran.err.startswith("isthmus work: ")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("work", "none.toml", *QUEUE), "none.toml cannot be read"),
        (("work", "pipeline.toml"), "the following arguments are required: --queue"),
        (("work", "pipeline.toml", "--queue", "theirs:x"), "no plugin offers queues for theirs:"),
        (("work", "pipeline.toml", *QUEUE, "--source", "web"), "--source is for --send"),
        (("work", "pipeline.toml", *QUEUE, "--send", "none"), "there is no file 'none'"),
        (("send", "pipeline.toml", *QUEUE, "."), "'.' is a directory"),
        (("send", "pipeline.toml", *QUEUE, "-", "-"), "standard input can be read once only"),
        (("send", "pipeline.toml", *QUEUE, "-", "--source", "app"), "there is no source 'app'; there is web"),
        (("send", "pipeline.toml", *QUEUE), "the following arguments are required: EVENTS"),
    ],
)
def test_a_wrong_call_is_said(argv: tuple[str, ...], said: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(ARCHIVE)
    ran = call(*argv)
    assert ran.status == 2
    assert said in ran.err


def test_of_several_sources_one_is_named(call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text('[[source]]\nid = "app"\n' + ARCHIVE)
    write(tmp_path / "e", track(1))
    ran = call("send", "pipeline.toml", "e", *QUEUE)
    assert ran.status == 2
    assert "--source says which source the events come from: one of app, web" in ran.err


@pytest.mark.parametrize(
    "text",
    [
        f'function = "crm"\nsettings = {{apiKey = ["{SECRET}"]}}',
        f'function = "crm"\nsettings = {{apiKey = "x", apiKeyy = "{SECRET}"}}',
        f'http = "u"\nheaders = {{authorization = ["{SECRET}"]}}',
        f'http = "u"\negress = {{proxy = ["{SECRET}"]}}',
        f'http = "u"\negress = {{deny = "{SECRET}"}}',
        f'http = "u"\nrotate_bytes = "{SECRET}"',
        f'http = "u"\nheaders = {{authorization = "{SECRET}}}',
    ],
)
def test_no_value_of_the_file_is_shown(text: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(GOAL + text)
    fetcher = MockFetcher(lambda _: FetchResponse(status=200))
    ran = call("work", "pipeline.toml", *QUEUE, "--until-idle", plugins=[fetcher])
    assert ran.status == 2
    assert SECRET not in ran.out + ran.err
