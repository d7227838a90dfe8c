"""plugins/OPERATIONS.md: what it says to do is done here, command by command, on a service of its own."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
import trio
from tests.documents.documents import blocks_of

from isthmus.archive import ArchiveReader
from isthmus_server._command import ServeCommand
from isthmus_server.exposition import CONTENT_TYPE
from isthmus_server.metrics import Metrics
from isthmus_server.store import HTTP_API, Page, StoreError, open_store

DOCUMENT: Final = "plugins/OPERATIONS.md"
KEY: Final = "write-key-of-the-test"
CRM: Final = """
function onTrack(event) {
  if (event.event === "Bad") throw new InvalidEventPayload("bad");
  console.log(event.messageId);
}
"""


def ports(count: int) -> list[int]:
    """Ports that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


class Machine:
    """A directory with a pipeline, and the commands of the document in it.

    Attributes:
        directory: where they run.
        public: address of events.
        operations: address of health and metrics.
        said: by the last command, on standard error.
    """

    said = ""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ports = dict(zip(("8080", "9464"), map(str, ports(2)), strict=True))
        self.public, self.operations = (f"http://127.0.0.1:{port}" for port in self._ports.values())
        (directory / "crm.js").write_text(CRM)
        (directory / "crm").mkdir()
        (directory / "crm" / "function.js").write_text(CRM)
        (directory / "crm" / "function.toml").write_text(
            'kind = "destination"\n[[settings]]\nname = "apiKey"\nsensitive = true\n'
        )
        tools = directory / "bin"
        tools.mkdir()
        for name, argv in (("isthmus", '-m isthmus "$@"'), ("python", '"$@"')):
            (tools / name).write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {argv}\n")
            (tools / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "WEB_KEY": KEY,
            "CRM_KEY": "secret-of-the-test",
        }

    def localised(self, text: str) -> str:
        """With ports of this machine."""
        return re.sub(r"\b(8080|9464)\b", lambda found: self._ports[found[0]], text)

    def shell(self, code: str, **variables: str) -> str:
        """What a block prints; it fails where any of its commands does."""
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", self.localised(code)],
            cwd=self.directory,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        self.said = done.stderr
        return done.stdout

    @contextmanager
    def served(self, code: str) -> Iterator[subprocess.Popen[bytes]]:
        """The service of a block, once it takes events."""
        argv = shlex.split(self.localised(code))
        with (self.directory / "err.txt").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=self.directory, env=self.environment, stdout=subprocess.DEVNULL, stderr=log
            )
        try:
            self.until(lambda: process.poll() is not None or self.ready() == 200)
            assert process.poll() is None, (self.directory / "err.txt").read_text()
            yield process
        finally:
            process.kill()
            process.wait()

    def ready(self) -> int:
        try:
            return httpx.get(f"{self.operations}/readyz", timeout=60).status_code
        except httpx.TransportError:
            return 0

    def until(self, condition: Callable[[], object]) -> None:
        ends = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < ends, (self.directory / "err.txt").read_text()
            time.sleep(0.02)

    def send(self, number: int, event: str = "Seen") -> bool:
        """Whether an event was accepted."""
        body = {"event": event, "userId": "u", "messageId": f"m{number}"}
        return httpx.post(f"{self.public}/v1/track", json=body, auth=(KEY, ""), timeout=60).status_code == 200

    def archived(self) -> set[str]:
        return {
            json.loads(bytes(each.event))["messageId"]
            for each in ArchiveReader(self.directory / "archive").events()
        }


def block(language: str, beginning: str = "") -> str:
    """The one block that begins so."""
    (found,) = (
        each.code
        for each in blocks_of(DOCUMENT)
        if each.language == language and each.code.startswith(beginning)
    )
    return found


def slugs_in(directory: Path) -> list[str]:
    """The sources in a store."""

    async def read() -> list[str]:
        async with open_store(directory) as store:
            page = await store.read(lambda tx: tx.sources.page(Page(count=10)))
            return [each.slug for each in page[0]]

    return trio.run(read)


def made_store(directory: Path) -> None:
    async def make() -> None:
        async with open_store(directory / "data") as store:
            await store.write(lambda tx: tx.sources.create("web", HTTP_API, {}, enabled=True))

    trio.run(make)


@pytest.mark.slow
def test_its_commands_work_in_their_order_and_nothing_accepted_is_lost(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (tmp_path / "pipeline.toml").write_text(block("toml"))
    made_store(tmp_path)
    done = []

    def run(beginning: str, **variables: str) -> str:
        code = block("sh", beginning)
        done.append(code)
        return machine.shell(code, **variables)

    first = block("sh", "isthmus plugins")
    done.append(first)
    plugins, doctor = first.splitlines()
    machine.shell(plugins)
    machine.shell(f"{doctor} || test $? -eq 1")  # this machine may lack something, and says so
    service = block("sh", "isthmus serve")
    done.append(service)
    with machine.served(service) as process:
        pid = str(process.pid)
        assert machine.send(0)
        assert machine.send(1, "Bad")
        machine.until(lambda: "destination:crm" in machine.shell("isthmus dead list sqlite:deliveries.db"))
        told = run("curl -fsS")
        assert "isthmus_ready 1" in told
        assert '"destination:crm"' in told
        run("isthmus dead list")
        assert "m1" in (tmp_path / "dead.ndjson").read_text()
        run("isthmus resend pipeline.toml --queue sqlite:deliveries.db")
        assert re.search(r"\b2 events?\b", machine.said), machine.said  # a dry run counts
        run('kill -HUP "$PID"', PID=pid)
        machine.until(lambda: "reloaded" in (tmp_path / "err.txt").read_text())

        # While events come in a copy is made: what was accepted before it began is in it.
        accepted: list[int] = []
        over = threading.Event()

        def keep_sending() -> None:
            number = 100
            while not over.is_set():
                if machine.send(number):
                    accepted.append(number)
                number += 1

        sender = threading.Thread(target=keep_sending)
        sender.start()
        try:
            machine.until(lambda: len(accepted) >= 20)
            before = {f"m{number}" for number in accepted}
            run("mkdir backup")
            machine.until(lambda: len(accepted) >= len(before) + 5)
        finally:
            over.set()
            sender.join()
        run('kill -TERM "$PID"', PID=pid)
        assert process.wait(timeout=120) == 0
    assert {path.name for path in (tmp_path / "workspace").iterdir()} >= {"workspace.toml"}
    assert {f"m{number}" for number in accepted} <= machine.archived()  # nothing accepted was lost by the end

    shutil.rmtree(tmp_path / "archive")
    (tmp_path / "deliveries.db").unlink()
    restoring = block("sh", "cp -Rp backup/archive archive")
    done.append(restoring)
    machine.shell(f"{restoring.rstrip()} || test $? -eq 1")  # one event is refused again, and it says so
    assert before <= machine.archived()
    left = json.loads(machine.shell("isthmus queue sqlite:restored.db --json").splitlines()[0])
    assert (left["waiting"], left["in_flight"], left["delayed"]) == (0, 0, 0)
    (dead,) = machine.shell("isthmus dead export sqlite:restored.db").splitlines()
    assert "m1" in dead  # the one that is refused, and no other: all the others arrived

    (tmp_path / "restored").mkdir(mode=0o700)
    shutil.copy(tmp_path / "backup" / "store.db", tmp_path / "restored")
    shutil.copy(tmp_path / "data" / "store.keys", tmp_path / "restored")
    assert slugs_in(tmp_path / "restored") == ["web"]
    there = {each.code for each in blocks_of(DOCUMENT) if each.language == "sh"}
    assert {*done, *(block("sh", each) for each in OVER_A_STORE)} == there


OVER_A_STORE: Final = ("isthmus tokens", "isthmus reseal", "isthmus bounds")


@pytest.mark.slow
def test_its_commands_over_a_store_work(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    made_store(tmp_path)
    tokens, resealing, bounds = (block("sh", each) for each in OVER_A_STORE)
    assert "ci" in machine.shell(tokens)
    (tmp_path / "old").mkdir(mode=0o700)
    for name in ("store.db", "store.keys"):
        shutil.copy(tmp_path / "data" / name, tmp_path / "old")
    machine.shell(resealing)
    assert (tmp_path / "data" / "store.keys").read_text() != (tmp_path / "old" / "store.keys").read_text()
    assert slugs_in(tmp_path / "data") == slugs_in(tmp_path / "old") == ["web"]
    shutil.copy(tmp_path / "data" / "store.keys", tmp_path / "old")
    with pytest.raises(StoreError):  # what was copied before opens under the keys of before alone
        slugs_in(tmp_path / "old")
    assert re.search(r"quota of the workspace: .* of 1,?000,?000", machine.shell(bounds))


def test_its_pipeline_is_one() -> None:
    assert tomllib.loads(block("toml"))["destination"][0]["name"] == "crm"


def test_its_unit_starts_a_service_that_there_is(tmp_path: Path) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # names keep their capitals
    unit.read_string(block("ini"))
    program, command, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert (program, command) == ("/opt/isthmus/bin/isthmus", "serve")
    given = ServeCommand().parser().parse_args(arguments)
    stopping = given.notice + 2 * given.grace
    assert stopping < int(unit["Service"]["TimeoutStopSec"])
    assert signal.Signals[unit["Service"]["KillSignal"]] is signal.SIGTERM
    if analyze := shutil.which("systemd-analyze"):
        text = block("ini").replace("/opt/isthmus/bin/isthmus", "/bin/true")
        (tmp_path / "isthmus.service").write_text(text)
        done = subprocess.run(
            [analyze, "verify", "--man=no", str(tmp_path / "isthmus.service")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        complaints = [line for line in done.stderr.splitlines() if "isthmus.service:" in line]
        # An older systemd does not know the newest of the settings, and says so.
        assert [line for line in complaints if "DelegateSubgroup" not in line] == []


def test_its_container_starts_a_service_that_there_is() -> None:
    (line,) = re.findall(r"^CMD (\[.*\])$", block("dockerfile"), re.MULTILINE)
    program, command, *arguments = json.loads(line)
    assert (program, command) == ("isthmus", "serve")
    ServeCommand().parser().parse_args(arguments)


def test_the_metrics_that_it_watches_are_told() -> None:
    text = "\n".join(line for line in Path(__file__).parents[2].joinpath(DOCUMENT).read_text().splitlines())
    named = set(re.findall(r"\bisthmus_[a-z_]+\b", text)) - {"isthmus_server", "isthmus_nats", "isthmus_otel"}
    assert len(named) >= 7
    source = Path(sys.modules[Metrics.__module__].__file__ or "").read_text()
    assert {name for name in named if f'"{name}"' not in source} == set()
    assert CONTENT_TYPE.startswith("text/plain")
