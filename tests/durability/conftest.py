"""Processes to be killed, file systems to be cut off, and how much of it: ``ISTHMUS_DURABILITY=long`` for more."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

import pytest
import trio

import isthmus

LONG: Final = os.environ.get("ISTHMUS_DURABILITY") == "long"
TRAFFIC: Final = Path(__file__).with_name("traffic.py")


@final
class Ledger:
    """What processes were promised and what they got."""

    def __init__(self) -> None:
        self.promised: set[str] = set()
        self.claimed: list[str] = []

    def read(self, lines: list[bytes]) -> None:
        """Take in what a process said; its last line may be cut off."""
        for line in lines:
            if line.endswith(b"\n"):
                kind, _, name = line.decode().strip().partition(" ")
                if kind == "P":
                    self.promised.add(name)
                else:
                    self.claimed.append(name)

    @property
    def lost(self) -> set[str]:
        return self.promised - set(self.claimed)

    async def drain(self, url: str) -> None:
        """Take whatever is left."""
        async with isthmus.open_queue(url) as queue:
            while "q" in await queue.names() and (claims := await queue.claim("q", 1000)):
                self.claimed += [claim.message_id for claim in claims]
                await queue.ack(claims)


@contextmanager
def traffic(url: str, round_: str, *how: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own, killed at the end whatever it does."""
    command = [sys.executable, str(TRAFFIC), url, round_, *how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


async def lines_for(
    process: subprocess.Popen[bytes], count: int, end: Callable[[], None] = lambda: None
) -> list[bytes]:
    """Read so many lines, do ``end`` then, kill it, and read what it had said by then."""
    assert process.stdout is not None
    output = process.stdout

    def read() -> list[bytes]:
        lines = [output.readline() for _ in range(count)]
        assert lines[-1], "the process ended by itself"
        end()
        process.send_signal(signal.SIGKILL)
        return lines + output.readlines()

    return await trio.to_thread.run_sync(read)


@final
class Disk:
    """A small file system in a file, whose power can be cut: the file is copied while the system is mounted."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        self.image = directory / "disk.img"
        self.mounted = directory / "disk"
        self.mounted.mkdir()
        with self.image.open("wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(self.image)], check=True, capture_output=True)
        self._mount(self.image)

    def _mount(self, image: Path) -> None:
        subprocess.run(
            ["mount", "-o", "loop", str(image), str(self.mounted)], check=True, capture_output=True
        )

    def copy(self) -> None:
        """What is on the disk at this moment, without what the system has in memory only."""
        shutil.copyfile(self.image, self.image.with_suffix(".cut"))

    def restart(self) -> None:
        """Mount what :meth:`copy` found, as after the power has come back."""
        self.close()
        self._mount(self.image.with_suffix(".cut"))

    def close(self) -> None:
        subprocess.run(["umount", str(self.mounted)], check=True, capture_output=True)


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[Callable[[int], Disk]]:
    disks: list[Disk] = []

    def make(megabytes: int) -> Disk:
        directory = tmp_path / f"disk-{len(disks)}"
        directory.mkdir()
        try:
            disks.append(Disk(directory, megabytes))
        except (OSError, subprocess.CalledProcessError) as exc:
            pytest.skip(f"a file system of the test's own takes root and loop devices: {exc}")
        return disks[-1]

    yield make
    for disk in disks:
        disk.close()
