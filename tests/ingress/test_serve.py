"""``isthmus serve`` as a process: signals, health, metrics, logs, and kills at full load."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.servers import Authority

from isthmus.__main__ import main

from .processes import KEY, PATIENCE, SECRET, Served, arrived, client, environment, serving, write_pipeline

LONG = os.environ.get("ISTHMUS_DURABILITY") == "long"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    write_pipeline(tmp_path)
    with serving(tmp_path, "--debug") as process:
        yield process


def test_what_comes_in_is_delivered_counted_and_logged_without_a_secret(
    served: Served, tmp_path: Path
) -> None:
    with client(served) as http:
        assert http.post("/v1/track", json={"userId": "u", "event": "E"}).json() == {"success": True}
        assert http.post("/v1/track", json={"userId": "u"}).status_code == 400
        assert http.post("/webhooks/hook", json={"id": "h"}).status_code == 200
        refused = http.post("/webhooks/hook", json={"throw": True})
        assert refused.json() == {"success": False, "error": "ValidationError"}
        arrived_twice = 'isthmus_delivery_seconds_count{queue="destination:archive"} 2\n'
        served.until(
            lambda: arrived_twice in httpx.get(f"{served.operations}/metrics", timeout=PATIENCE).text
        )
        assert len(arrived(tmp_path)) == 2
        assert http.get("/healthz").status_code == http.get("/readyz").status_code == 200
        assert http.get("/metrics").status_code == 404  # not where everybody is
        assert httpx.get(f"{served.operations}/readyz", timeout=PATIENCE).status_code == 200
        metrics = httpx.get(f"{served.operations}/metrics", timeout=PATIENCE)
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'isthmus_http_requests_total{route="/v1/track",status="200"} 1',
        'isthmus_events_accepted_total{source="web"} 1',
        'isthmus_events_accepted_total{source="hook"} 1',
        'isthmus_events_refused_total{source="web",code="event_not_defined"} 1',
        'isthmus_deliveries_total{queue="webhook:hook",decision="dead"} 1',
        'isthmus_queue_deliveries{queue="destination:archive",state="dead"} 0',
        "isthmus_ready 1",
    ):
        assert line in metrics.text.splitlines()
    served.process.send_signal(signal.SIGTERM)
    assert served.ended() == 0
    lines = [json.loads(line) for line in served.log().splitlines()]
    assert [line["message"] for line in lines if line["logger"] == "isthmus.server"] == [
        "serving",
        "delivery given up",
        "stopping",
        "stopped",
    ]
    for secret in (KEY, SECRET):
        assert secret not in served.log() + metrics.text + refused.text


def test_the_log_and_the_archive_that_a_pipeline_names_are_kept(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with client(served) as http:
        body = {"userId": "u", "event": "E", "messageId": "kept"}
        assert http.post("/v1/track", json=body).status_code == 200
        assert http.post("/webhooks/hook", json={"id": "h"}).status_code == 200
        assert http.post("/webhooks/hook", json={"throw": True}).status_code == 400
    served.until(lambda: len(arrived(tmp_path)) == 2)
    served.process.send_signal(signal.SIGTERM)
    assert served.ended() == 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEST_WRITE_KEY", KEY)
    monkeypatch.setenv("TEST_SECRET", SECRET)
    assert main(["deliveries", "list", "pipeline.toml", "--json"]) == 0
    listed = capfd.readouterr().out
    assert sorted((line["queue"], line["became"]) for line in map(json.loads, listed.splitlines())) == [
        ("destination:archive", "delivered"),
        ("destination:archive", "delivered"),
        ("webhook:hook", "dead"),
        ("webhook:hook", "delivered"),
    ]
    assert SECRET not in listed
    resend = ["resend", "pipeline.toml", "--queue", "sqlite:q.db", "--to", "archive", "--since", "1h"]
    assert main([*resend, "--dry-run"]) == 0
    assert "2 events" in capfd.readouterr().err


def test_a_reload_takes_effect_and_drops_no_call(served: Served, tmp_path: Path) -> None:
    stop = threading.Event()
    statuses: list[int] = []

    def send() -> None:
        with client(served) as http:
            while not stop.is_set():
                statuses.append(http.post("/webhooks/hook", json={}).status_code)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    try:
        for version in (2, 3):
            write_pipeline(tmp_path, version)
            served.process.send_signal(signal.SIGHUP)
            served.until(
                lambda version=version: (
                    {"version": version} in [each["properties"] for each in arrived(tmp_path)]
                )  # type: ignore[misc]
            )
        # A file that is none changes nothing.
        (tmp_path / "pipeline.toml").write_text("[[source]]\n")
        served.process.send_signal(signal.SIGHUP)
        served.until(lambda: "what runs goes on" in served.log())
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    assert set(statuses) == {200}
    served.until(lambda: len(arrived(tmp_path)) >= len(statuses))
    assert len(arrived(tmp_path)) == len(statuses)
    assert httpx.get(f"{served.operations}/readyz", timeout=PATIENCE).status_code == 200
    metrics = httpx.get(f"{served.operations}/metrics", timeout=PATIENCE).text
    assert 'isthmus_reloads_total{result="failure"} 1' in metrics


def test_what_was_answered_before_it_ends_in_peace_is_delivered_once(served: Served, tmp_path: Path) -> None:
    kept: list[int] = []

    def send() -> None:
        with contextlib.suppress(httpx.HTTPError), client(served) as http:  # it listens no more
            for batch in range(10_000):
                events = [{"type": "track", "event": "E", "userId": f"{batch}"}] * 10
                assert http.post("/v1/batch", json={"batch": events}).status_code == 200
                kept.append(batch)

    sender = threading.Thread(target=send)
    sender.start()
    served.until(lambda: len(kept) > 20)
    served.process.send_signal(signal.SIGINT)
    assert served.ended() == 0
    sender.join()
    with serving(tmp_path) as again:
        again.until(lambda: len(arrived(tmp_path)) >= 10 * len(kept))
        again.process.send_signal(signal.SIGTERM)
        assert again.ended() == 0
    users = Counter(each["userId"] for each in arrived(tmp_path))
    counts = {user: users[str(user)] for user in kept}
    assert set(counts.values()) == {10}


@pytest.mark.parametrize("round_", range(10 if LONG else 1))
def test_kill_9_at_full_load_loses_nothing_that_was_answered_with_success(
    round_: int, tmp_path: Path
) -> None:
    write_pipeline(tmp_path)
    promised: set[str] = set()

    def events(name: str) -> None:
        with client(killed) as http:
            for batch in range(10_000):
                ids = [f"{name}-{batch}-{place}" for place in range(50)]
                body = {
                    "batch": [{"type": "track", "event": "E", "userId": "u", "messageId": id_} for id_ in ids]
                }
                if http.post("/v1/batch", json=body).status_code == 200:
                    promised.update(ids)

    def webhooks(name: str) -> None:
        with client(killed) as http:
            for number in range(10_000):
                id_ = f"{name}-{number}"
                if http.post("/webhooks/hook", json={"id": id_}).status_code == 200:
                    promised.add(id_)

    def until_killed(send: Callable[[str], None], name: str) -> None:
        with contextlib.suppress(httpx.HTTPError):
            send(name)

    with serving(tmp_path) as killed:
        senders = [
            threading.Thread(target=until_killed, args=(send, f"{send.__name__}{number}"))
            for send in (events, webhooks)
            for number in range(4)
        ]
        for sender in senders:
            sender.start()
        killed.until(lambda: len(promised) > 1500 + 700 * round_)
        killed.process.kill()
        for sender in senders:
            sender.join()
    with serving(tmp_path) as again:
        again.until(lambda: promised <= {each["messageId"] for each in arrived(tmp_path)})


def test_tls(tmp_path: Path) -> None:
    write_pipeline(tmp_path)
    authority = Authority(tmp_path)
    certificate, key = authority.files("127.0.0.1")
    with serving(tmp_path, "--certificate", certificate, "--key", key) as served:
        assert served.url.startswith("https://")
        answer = httpx.get(f"{served.url}/readyz", verify=authority.client(), timeout=PATIENCE)
        assert answer.status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{served.url}/readyz", verify=ssl.create_default_context(), timeout=PATIENCE)


@pytest.mark.parametrize(
    ("pipeline", "options", "said"),
    [
        ("", ("--queue", "sqlite:q.db"), "pipeline.toml defines no pipeline: it has no [[source]]"),
        (None, ("--queue", "sqlite:q.db"), "pipeline.toml cannot be read: No such file or directory"),
        ("", ("--queue", "sqlite:q.db", "--grace", "soon"), "a number from 0, not 'soon'"),
        ("", ("--queue", "sqlite:q.db", "--key", "k"), "TLS takes both --certificate and --key"),
        ("", (), "--queue says where deliveries are kept"),
        ("", ("--data", "data"), "give PIPELINE or --data"),
        (
            '[[source]]\nid = "a"\nhttp.secrets = ["s"]\n[[destination]]\nname = "d"\nfile = "f"\n',
            ("--queue", "sqlite:q.db"),
            "source 'a': http: secrets are for webhooks, and the source has no function for them",
        ),
        (
            '[[source]]\nid = "a"\nhttp.write_keys = [{env = "NOT_SET"}]\n[[destination]]\nname = "d"\nfile = "f"\n',
            ("--queue", "sqlite:q.db"),
            "source 'a': http: write_keys takes the variable NOT_SET, and there is none",
        ),
    ],
)
def test_a_wrong_call_is_told_in_a_line(
    pipeline: str | None,
    options: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if pipeline is not None:
        (tmp_path / "pipeline.toml").write_text(pipeline)
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "pipeline.toml", "--operations", "none", *options]) == 2
    err = capfd.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_an_address_that_is_not_this_machines_is_told_in_a_line(tmp_path: Path) -> None:
    write_pipeline(tmp_path)
    command = [sys.executable, "-m", "isthmus", "serve", "pipeline.toml", "--queue", "sqlite:q.db"]
    ran = subprocess.run(
        [*command, "--operations", "none", "--bind", "192.0.2.1:1"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 2
    assert "isthmus serve: 192.0.2.1:1 cannot be listened on: " in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_the_extra_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "isthmus_server.serving", raising=False)
    monkeypatch.setitem(sys.modules, "hypercorn", None)
    monkeypatch.setitem(sys.modules, "hypercorn.trio", None)
    assert main(["serve", "pipeline.toml", "--queue", "sqlite:q.db"]) == 2
    assert "is not installed: pip install 'isthmus[server]'" in capfd.readouterr().err
    assert main(["serve", "--help"]) == 0
