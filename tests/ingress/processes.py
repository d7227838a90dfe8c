"""``isthmus serve`` in a process of its own, and a client that keeps its connections."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

import httpx

KEY: Final = "write-key-of-the-test"
SECRET: Final = "s3cr3t-of-the-test"
PATIENCE: Final = 300.0
"""Seconds after which something hangs; never how long anything takes, for a machine may be busy."""

HOOK: Final = """
async function onRequest(request, settings) {
  const body = request.json();
  if (body.throw) throw new ValidationError(settings.key + " is wrong");
  Segment.track({ event: "Hooked", userId: "u", messageId: body.id, properties: { version: VERSION } });
}
"""

PIPELINE: Final = """
[[source]]
id = "web"
http.write_keys = [{env = "TEST_WRITE_KEY"}]

[[source]]
id = "hook"
function = "hook"
settings.key = {env = "TEST_SECRET"}
http.secrets = [{env = "TEST_SECRET"}]

[log]
path = "log"
sample = 1.0

[archive]
path = "events"

[[destination]]
name = "archive"
file = "out.ndjson"
batching = {count = 500, wait = 0}
"""


def environment() -> dict[str, str]:
    """With what the pipeline refers to."""
    return {**os.environ, "TEST_WRITE_KEY": KEY, "TEST_SECRET": SECRET}


def write_pipeline(directory: Path, version: int = 1) -> None:
    """A source function, and a file that everything goes to."""
    (directory / "hook").mkdir(exist_ok=True)
    (directory / "hook" / "function.js").write_text(HOOK.replace("VERSION", str(version)))
    (directory / "hook" / "function.toml").write_text(
        'kind = "source"\n[[settings]]\nname = "key"\nsensitive = true\n'
    )
    (directory / "pipeline.toml").write_text(PIPELINE)


def arrived(directory: Path) -> list[dict[str, Any]]:
    """What is in the file; a line that a kill has cut off is no event."""
    path = directory / "out.ndjson"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"}")]


@final
class Served:
    """A process that serves.

    Attributes:
        process: it.
        url: for events and webhooks.
        operations: for health and metrics.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log
        assert process.stdout is not None
        found: list[str] = []
        while len(found) < 2:
            line = process.stdout.readline().decode()
            assert line, self.log()
            found += re.findall(r"https?://\S+", line)
        self.url, self.operations = found

    def log(self) -> str:
        """What it has written to standard error."""
        return self._log.read_text()

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for what it does."""
        ends = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < ends, self.log()
            assert self.process.poll() is None, self.log()
            time.sleep(0.01)

    def ended(self) -> int:
        """Its exit status."""
        return self.process.wait(timeout=PATIENCE)


@contextmanager
def serving(directory: Path, *options: str, data: Path | str | None = None) -> Iterator[Served]:
    """Serve a pipeline.toml, or the store in ``data``, on ports that are free, and kill it in the end."""
    log = directory / "err.txt"
    what = ["--data", str(data)] if data else ["pipeline.toml", "--queue", "sqlite:q.db"]
    command = [sys.executable, "-m", "isthmus", "serve", *what, *options]
    command += ["--bind", "127.0.0.1:0", "--operations", "127.0.0.1:0"]
    with (
        log.open("ab") as err,
        subprocess.Popen(
            command,
            cwd=directory,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=err,
        ) as process,
    ):
        try:
            yield Served(process, log)
        finally:
            process.kill()


def client(served: Served) -> httpx.Client:
    """Authenticated for both ways in."""
    headers = {"X-Segment-Source-Function-Token": SECRET}
    return httpx.Client(base_url=served.url, auth=(KEY, ""), headers=headers, timeout=PATIENCE)
