"""workerd, a process of its own: the argument is its command; a fresh world is an isolate that its worker loader makes.

It is asked over a socket of the system, on one connection that is kept, and each event goes with its code.
"""

from __future__ import annotations

import http.client
import itertools
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.peers.drivers.serving import Driver, World, resident, serve

CONFIGURATION: Final = Path(__file__).parent / "workerd" / "config.capnp"
STARTING: Final = 30.0
"""Seconds until its socket is there, at the most."""


class Connection(http.client.HTTPConnection):
    """Over a socket of the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        ends = time.monotonic() + STARTING
        while True:
            try:
                self.sock.connect(str(self._path))
                return
            except OSError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.002)


class Isolate(World):
    def __init__(self, connection: Connection, name: str, code: str, seconds: float) -> None:
        self._connection = connection
        self._request = {"name": name, "code": code, "milliseconds": seconds * 1000}

    def call(self, event: str, settings: str) -> str:
        given = [json.loads(event), json.loads(settings)]
        body = json.dumps({**self._request, "given": given})
        try:
            response = self._asked(body)
        except ConnectionError:  # it hangs up on those that have asked nothing for a while
            self._connection.close()
            response = self._asked(body)
        text = response.read().decode()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {text[:100]}")
        return text

    def _asked(self, body: str) -> http.client.HTTPResponse:
        self._connection.request("POST", "/", body)
        return self._connection.getresponse()


class Workerd(Driver):
    """One process, whose isolates live as long as it likes."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection) -> None:
        super().__init__()
        self._process = process
        self._connection = connection
        self._names = itertools.count(1)
        self._named = False

    def world(self, code: str) -> World:
        name = f"world {next(self._names)}" if self._named else ""
        return Isolate(self._connection, name, code, self.seconds)

    def kept(self) -> object:
        self._named = True
        try:
            return super().kept()
        finally:
            self._named = False

    def live(self, request: dict[str, int]) -> dict[str, float]:
        self._named = True
        return super().live(request)

    def resident(self) -> int:
        return resident(self._process.pid)


with tempfile.TemporaryDirectory() as directory:
    path = Path(directory) / "socket"
    command = [
        sys.argv[1], "serve", str(CONFIGURATION), "--experimental", f"--socket-addr=http=unix:{path}"
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as workerd:
        try:
            serve(Workerd(workerd, Connection(path)))
        finally:
            workerd.kill()
