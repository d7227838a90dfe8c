"""``isthmus deliveries`` and ``isthmus resend``: what a pipeline's log says, and what its archive sends again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from argparse import ArgumentTypeError
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from isthmus._cli.moments import moment, moment_text
from isthmus._journal.segments import segments
from isthmus.archive import ArchiveReader
from isthmus.deliveries import DeliveryReader
from isthmus.testing import ScriptedRuntime, Throw, World

from .conftest import Isthmus, Ran, track

SECRET = "s3cr3t-of-the-test"
QUEUE = ("--queue", "sqlite:q.db")
PIPELINE = """
[log]
path = "log"
sample = 1.0
max_age = "7d"
max_bytes = "100M"

[archive]
path = "archive"

[[source]]
id = "web"

[[destination]]
name = "crm"
function = "crm"
settings.apiKey = "s3cr3t-of-the-test"
filter = {where = "!contains(userId, 'nobody')"}

[[destination]]
name = "file"
file = "out.ndjson"
enabled = false
"""


def crm(event: dict[str, Any], settings: dict[str, Any], world: World) -> object:
    what = event["properties"].get("do")
    if what == "reject":
        world.host.log("warn", "about to refuse")
        raise Throw("ValidationError", f"{settings['apiKey']} may not")
    if what == "retry":
        raise Throw("RetryError", "busy")
    return None


@pytest.fixture
def worked(isthmus: Isthmus, tmp_path: Path) -> Isthmus:
    """A pipeline that has delivered one event, given up one, and waits with one."""
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "function.scripted").write_text("crm")
    (tmp_path / "crm" / "function.toml").write_text(
        'code = "function.scripted"\nkind = "destination"\n[[settings]]\nname = "apiKey"\nsensitive = true'
    )
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    events = [json.loads(track(1)), json.loads(track(2, do="reject")), json.loads(track(3, do="retry"))]
    lines = [json.dumps({**event, "messageId": f"m{number}"}) for number, event in enumerate(events, 1)]
    (tmp_path / "e").write_text("\n".join(lines) + "\n")
    runtime = ScriptedRuntime(scripts={"crm": {"onTrack": crm}})

    def call(*argv: str) -> Ran:
        return isthmus(*argv, plugins=[runtime])

    ran = call("work", "pipeline.toml", *QUEUE, "--send", "e", "--until-idle", "--quiet")
    assert ran.status == 1, ran.err
    return call


def ids(ran: Ran) -> list[str]:
    return sorted(json.loads(line)["id"] for line in ran.out.splitlines())


def arrived(directory: Path) -> list[dict[str, Any]]:
    path = directory / "out.ndjson"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def test_deliveries_are_listed_by_what_is_asked(worked: Isthmus, tmp_path: Path) -> None:
    ran = worked("deliveries", "list", "pipeline.toml")
    assert ran.status == 0
    rows = {line.split()[4]: line for line in ran.out.splitlines()[1:]}
    assert set(rows) == {"web:m1", "web:m2", "web:m3"}
    assert "dead    " in rows["web:m2"]
    assert "message_rejected: ValidationError: [redacted:apiKey] may not" in rows["web:m2"]
    assert SECRET not in ran.out

    def found(*options: str) -> list[str]:
        return ids(worked("deliveries", "list", "log", *options, "--json"))

    assert found("--status", "dead") == ["web:m2"]
    assert found("--status", "retry") == ["web:m3"]
    assert found("--error", "RetryError: busy") == ["web:m3"]
    assert found("--destination", "crm", "--status", "delivered") == ["web:m1"]
    assert found("--destination", "file") == []
    assert found("--queue", "destination:crm", "--since", "1h") == ["web:m1", "web:m2", "web:m3"]
    assert found("--until", "1h") == []
    assert found("m1", "web:m3") == ["web:m1", "web:m3"]
    assert len(found("--limit", "2")) == 2
    assert "no such deliveries" in worked("deliveries", "list", "log", "--until", "2001-01-01").out


def test_one_is_shown_with_its_attempts_its_output_and_its_event(worked: Isthmus) -> None:
    ran = worked("deliveries", "show", "pipeline.toml", "m2")
    assert ran.status == 0
    assert "web:m2 to destination:crm\n  attempt 1  " in ran.out
    assert "warn: about to refuse" in ran.out
    assert '"do": "reject"' in ran.out
    assert SECRET not in ran.out
    ran = worked("deliveries", "show", "log", "m2", "nothing")
    assert ran.status == 1
    assert "there is no delivery nothing in the log" in ran.err
    assert '"do"' not in ran.out


def test_a_damaged_file_is_said(worked: Isthmus, tmp_path: Path) -> None:
    (segment,) = segments(tmp_path / "log")
    segment.write_bytes(b"no gzip at all")
    ran = worked("deliveries", "list", "log")
    assert ran.status == 1
    assert "damaged" in ran.err


def test_what_was_delivered_is_sent_again_to_whom_it_is_to_go(worked: Isthmus, tmp_path: Path) -> None:
    resend = ("resend", "pipeline.toml", *QUEUE, "--since", "1h")
    ran = worked(*resend, "--to", "file", "--dry-run")
    assert "3 events would be sent to file" in ran.err
    ran = worked(
        *resend, "--to", "file", "--to", "crm", "--where", "properties.do != 'retry'", "--mark", "r1"
    )
    assert ran.status == 0
    assert "2 events sent again, 4 deliveries; context.replay.id is r1\n" in ran.err
    assert arrived(tmp_path) == []
    ran = worked("work", "pipeline.toml", *QUEUE, "--until-idle", "--quiet")
    assert sorted(event["messageId"] for event in arrived(tmp_path)) == ["m1", "m2"]
    assert all(event["context"]["replay"] == {"id": "r1"} for event in arrived(tmp_path))
    ran = worked("deliveries", "list", "log", "m1", "--destination", "crm", "--json")
    assert ids(ran) == ["web:m1", "web:m1~r1"]


def test_single_events_are_sent_again_as_they_were(worked: Isthmus, tmp_path: Path) -> None:
    resend = ("resend", "pipeline.toml", *QUEUE, "--since", "1h", "--to", "file", "--unmarked")
    assert "1 event sent again, 1 delivery" in worked(*resend, "--message", "m3").err
    assert "1 event sent again, 1 delivery" in worked(*resend, "--skip", "1", "--limit", "1").err
    assert "0 events sent again" in worked(*resend, "--until", "1h").err
    worked("work", "pipeline.toml", *QUEUE, "--until-idle", "--quiet")
    assert sorted(event["messageId"] for event in arrived(tmp_path)) == ["m2", "m3"]
    assert not any("context" in event for event in arrived(tmp_path))


def test_an_event_with_a_number_beyond_all_doubles_is_sent_again_and_shown(
    worked: Isthmus, tmp_path: Path
) -> None:
    event = b'{"type":"track","messageId":"m9","event":"E","userId":"nobody","properties":{"n":1e999}}'
    (tmp_path / "more").write_bytes(event + b"\n")
    worked("work", "pipeline.toml", *QUEUE, "--send", "more", "--until-idle", "--quiet")
    resend = ("resend", "pipeline.toml", *QUEUE, "--since", "1h", "--to", "file", "--unmarked")
    ran = worked(*resend, "--where", "userId = 'nobody'")
    assert "1 event sent again, 1 delivery" in ran.err
    worked("work", "pipeline.toml", *QUEUE, "--until-idle", "--quiet")
    assert (tmp_path / "out.ndjson").read_bytes() == event + b"\n"
    assert '"n": 1e999' in worked("deliveries", "show", "pipeline.toml", "m9").out


def test_a_sending_that_the_queue_does_not_keep_says_where_to_go_on(worked: Isthmus) -> None:
    ran = worked(
        "resend", "pipeline.toml", "--queue", "sqlite:q.db?max_bytes=1", "--since", "1h", "--to", "file"
    )
    assert ran.status == 1
    assert "the queue did not keep all" in ran.err
    assert "--skip 0\n" in ran.err
    on = ran.err.split("go on with ")[1].split()
    ran = worked("resend", "pipeline.toml", *QUEUE, "--to", "file", *on)
    assert ran.status == 0
    assert "3 events sent again" in ran.err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("deliveries", "list", "nowhere"), "neither the directory"),
        (("deliveries", "list", "bare.toml"), "has no [log]"),
        (("deliveries", "show", "log"), "takes ids"),
        (("deliveries", "list", "log", "--queue", "a", "--destination", "b"), "give one of them"),
        (("deliveries", "list", "log", "--since", "soon"), "a moment is written like"),
        (("resend", "bare.toml", *QUEUE, "--to", "d", "--since", "1h"), "has no [archive]"),
        (("resend", "pipeline.toml", *QUEUE, "--to", "d", "--since", "1h"), "there is no destination 'd'"),
        (
            ("resend", "pipeline.toml", *QUEUE, "--to", "crm", "--since", "1h", "--source", "s"),
            "there is no source 's'",
        ),
        (
            ("resend", "pipeline.toml", *QUEUE, "--to", "crm", "--since", "1h", "--where", "n ="),
            "the condition is none",
        ),
        (
            ("resend", "pipeline.toml", *QUEUE, "--to", "crm", "--since", "1h", "--mark", "a-b"),
            "letters and digits",
        ),
        (("work", "odd-age.toml", *QUEUE, "--until-idle"), "[log]: a duration"),
        (("work", "odd-sample.toml", *QUEUE, "--until-idle"), "[log]: a delivery log takes"),
        (("work", "odd-archive.toml", *QUEUE, "--until-idle"), "[archive]: an archive takes"),
        (("work", "unknown.toml", *QUEUE, "--until-idle"), "unknown field"),
    ],
)
def test_a_wrong_call_is_said(argv: tuple[str, ...], said: str, isthmus: Isthmus, tmp_path: Path) -> None:
    ends = '[[source]]\nid = "web"\n[[destination]]\nname = "crm"\nfile = "out"\n'
    (tmp_path / "log").mkdir()
    (tmp_path / "archive").mkdir()
    for name, journals in {
        "pipeline": '[log]\npath = "log"\n[archive]\npath = "archive"\n',
        "bare": "",
        "odd-age": '[log]\npath = "log"\nmax_age = "long"\n',
        "odd-sample": '[log]\npath = "log"\nsample = 2.0\n',
        "odd-archive": '[archive]\npath = "archive"\nmax_bytes = 0\n',
        "unknown": '[archive]\npath = "archive"\nsize = 1\n',
    }.items():
        (tmp_path / f"{name}.toml").write_text(journals + ends)
    ran = isthmus(*argv)
    assert ran.status == 2
    assert said in ran.err


def test_moments_are_read_as_people_write_them() -> None:
    assert moment("2026-11-29") == moment("2026-11-29T00:00") == moment("2026-11-29T01:00+01:00")
    assert moment_text(moment("2026-11-29T14:00:05Z")) == "2026-11-29 14:00:05 UTC"
    assert 7000 < time.time() - moment("2h") < 7400
    assert 86_000 < time.time() - moment("1d") < 86_900
    with pytest.raises(ArgumentTypeError):
        moment("yesterday")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_kill_leaves_in_the_archive_what_was_accepted(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(
        '[log]\npath = "log"\nsample = 1.0\n[archive]\npath = "archive"\n[[source]]\nid = "web"\n'
        '[[destination]]\nname = "d"\nfile = "out.ndjson"\nbatching = {count = 1}\nrate = 20\n'
    )
    (tmp_path / "e").write_bytes(b"\n".join(track(number) for number in range(3000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "isthmus", "work", "pipeline.toml", *QUEUE, "--send", "e"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        assert b"accepted 3,000 events of source web\n" in islice(process.stderr, 10)
        ends = time.monotonic() + 300
        while not DeliveryReader(tmp_path / "log").deliveries():
            assert time.monotonic() < ends
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()
    users = [json.loads(bytes(one.event))["userId"] for one in ArchiveReader(tmp_path / "archive").events()]
    assert sorted(users) == sorted(f"u{number}" for number in range(3000))
    logged = DeliveryReader(tmp_path / "log").deliveries()
    assert {one.id.removeprefix("web:") for one in logged} <= {e["messageId"] for e in arrived(tmp_path)}
