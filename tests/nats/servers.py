"""Real servers on loopback: started, killed, stopped and started again by the tests that use them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

BINARY = Path(sys.executable).with_name("nats-server")


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in taken:
            each.bind((host, 0))
        return [each.getsockname()[1] for each in taken]


class Node:
    """One server: its configuration and, while it runs, its process."""

    def __init__(
        self,
        directory: Path,
        name: str,
        ports: tuple[int, int, int],
        *,
        host: str = "127.0.0.1",
        within: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self.name = name
        self.host = host
        self.within = within
        self.port, self.route, self.http = ports
        self.configuration = directory / f"{name}.conf"
        self.store = directory / name
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, routes: list[str], *, sync: str, extra: str = "") -> None:
        listed = ", ".join(f'"nats-route://{route}"' for route in routes)
        cluster = f'cluster {{ name: "t", host: {self.host}, port: {self.route}, routes: [{listed}] }}'
        self.configuration.write_text(
            f'server_name: {self.name}\nhost: {self.host}\nport: {self.port}\nhttp: "{self.host}:{self.http}"\n'
            f'jetstream {{ store_dir: "{self.store}", max_mem: 256M, max_file: 4G'
            f"{f', sync_interval: {sync}' * bool(sync)} }}\n{cluster if len(routes) > 1 else ''}\n{extra}\n"
        )

    def start(self) -> None:
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.within, BINARY, "-c", self.configuration], stdout=log, stderr=subprocess.STDOUT
            )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> None:
        """Ask it to end, as whoever runs it would, and wait until it has."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)
        self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{self.host}:{self.http}/{path}", timeout=2) as answer:
            return json.load(answer)

    @property
    def healthy(self) -> bool:
        try:
            return bool(self.ask("healthz")["status"] == "ok")
        except OSError:
            return False


class Cluster:
    """Servers that keep streams together; one alone where ``size`` is 1."""

    def __init__(
        self,
        directory: Path,
        *,
        size: int = 3,
        sync: str = "always",
        extra: str = "",
        places: Sequence[tuple[str, Sequence[str]]] = (),
    ) -> None:
        ports = free_ports(3 * size)
        self.nodes = [
            Node(
                directory,
                f"n{number}",
                (ports[3 * number], ports[3 * number + 1], ports[3 * number + 2]),
                host=places[number][0] if places else "127.0.0.1",
                within=places[number][1] if places else (),
            )
            for number in range(size)
        ]
        for node in self.nodes:
            node.configure([f"{each.host}:{each.route}" for each in self.nodes], sync=sync, extra=extra)

    def start(self) -> None:
        for node in self.nodes:
            if node.process is None:
                node.start()
        self.wait()

    def wait(self, seconds: float = 60) -> None:
        """Until every server says that it is well, and they have a leader."""
        end = time.monotonic() + seconds
        while not (all(node.healthy for node in self.nodes) and self._led()):
            assert time.monotonic() < end, "the servers do not become healthy"
            time.sleep(0.05)

    def _led(self) -> bool:
        return len(self.nodes) == 1 or any(
            node.ask("jsz").get("meta_cluster", {}).get("leader") for node in self.nodes
        )

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def leader(self, stream: str) -> Node:
        """Of a stream, as soon as it has one."""
        end = time.monotonic() + 60
        while (node := self._leader(stream)) is None:
            assert time.monotonic() < end, f"{stream} has no leader"
            time.sleep(0.1)
        return node

    def _leader(self, stream: str) -> Node | None:
        for node in self.nodes:
            if node.process is None:
                continue
            for account in node.ask("jsz?streams=1").get("account_details", []):
                for detail in account["stream_detail"]:
                    if detail["name"] == stream and detail.get("cluster", {}).get("leader") == node.name:
                        return node
        return None

    @property
    def hosts(self) -> str:
        return ",".join(f"{node.host}:{node.port}" for node in self.nodes)

    @property
    def monitors(self) -> str:
        return ",".join(f"http://{node.host}:{node.http}" for node in self.nodes)

    def url(self, prefix: str, **options: object) -> str:
        """Of a queue, with the monitoring of every server unless said otherwise."""
        query = {"prefix": prefix, "monitor": self.monitors, **options}
        return f"nats://{self.hosts}?" + "&".join(f"{name}={value}" for name, value in query.items() if value)


@contextmanager
def running(*, on_disk: bool = False, **options: Any) -> Iterator[Cluster]:
    """A cluster; in memory where that is to be had, for a killed process loses nothing of what it wrote there."""
    memory = Path("/dev/shm")
    place = None if on_disk or not memory.is_dir() else memory
    with tempfile.TemporaryDirectory(dir=place) as directory:
        cluster = Cluster(Path(directory), **options)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.kill()


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process of the test's own, whatever it is doing."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
