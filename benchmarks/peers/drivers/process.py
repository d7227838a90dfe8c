"""A process for every event, the naive way to a fresh world: the arguments are the command of a reader beside this file.

A reader takes the code, then events with their settings, a line each, and writes a line for each.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading

from benchmarks.peers.drivers.serving import Driver, World, serve


class Process(World):
    def __init__(self, code: str, seconds: float, memory: int, *, bounded: bool) -> None:
        self._seconds = seconds
        self._process = subprocess.Popen(
            sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        if bounded:  # V8 reserves more address space than any limit one would set
            resource.prlimit(self._process.pid, resource.RLIMIT_AS, (memory, memory))
        self._tell(code)

    def call(self, event: str, settings: str) -> str:
        assert self._process.stdout is not None
        self._tell([json.loads(event), json.loads(settings)])
        timer = threading.Timer(self._seconds, self._process.kill)
        timer.start()
        answer = self._process.stdout.readline()
        timer.cancel()
        if not answer:
            raise RuntimeError(f"the process ended with {self._process.wait()}")
        return answer

    def close(self) -> None:
        self._process.communicate()

    def _tell(self, what: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()


class Processes(Driver):
    def world(self, code: str) -> World:
        bounded = sys.argv[1] == sys.executable
        return Process(code, self.seconds, self.memory if bounded else 0, bounded=bounded)


serve(Processes())
