"""The network is cut, and the power: takes root and half a minute each, so that only the long version runs it.

A power cut is one of file systems on loop devices: the servers are stopped, the devices' backing files copied, and the
copies mounted.  What was synced is in them; what the system would have written later is not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trio

from isthmus import IsthmusError

from .conftest import LONG, open_
from .load import Load, working
from .servers import Cluster

pytestmark = [
    pytest.mark.skipif(not LONG, reason="ISTHMUS_DURABILITY=long runs it"),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces and mounts take root"),
    pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning"),  # see test_failures
]


def run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True, timeout=60)


# ---------------------------------------------------------------- the network


@contextmanager
def namespaces(count: int) -> Iterator[list[tuple[str, str]]]:
    """Network namespaces behind a bridge of this one: the name and the address of each."""
    tag = f"{os.getpid() % 100_000}"
    bridge = f"tb{tag}"
    found = []
    with ExitStack() as stack:
        run("ip", "link", "add", bridge, "type", "bridge")
        stack.callback(run, "ip", "link", "del", bridge)
        run("ip", "addr", "add", "10.213.7.254/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        for number in range(count):
            name, outer, inner = f"t{tag}n{number}", f"t{tag}o{number}", f"t{tag}i{number}"
            address = f"10.213.7.{number + 1}"
            run("ip", "netns", "add", name)
            stack.callback(run, "ip", "netns", "del", name)
            run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner)
            run("ip", "link", "set", inner, "netns", name)
            run("ip", "link", "set", outer, "master", bridge)
            run("ip", "link", "set", outer, "up")
            run("ip", "netns", "exec", name, "ip", "addr", "add", f"{address}/24", "dev", inner)
            run("ip", "netns", "exec", name, "ip", "link", "set", inner, "up")
            run("ip", "netns", "exec", name, "ip", "link", "set", "lo", "up")
            found.append((name, address))
        yield found


async def test_the_stream_s_leader_is_cut_off_from_the_others(prefix: str) -> None:
    with namespaces(3) as spaces, tempfile.TemporaryDirectory() as directory:
        places = [(address, ("ip", "netns", "exec", name)) for name, address in spaces]
        cluster = Cluster(Path(directory), places=places)
        try:
            cluster.start()
            async with open_(cluster.url(prefix)) as queue, working(queue) as load:
                for _ in range(3):
                    leader = await trio.to_thread.run_sync(cluster.leader, f"{prefix}-0")
                    cut = f"t{os.getpid() % 100_000}o{cluster.nodes.index(leader)}"
                    run("ip", "link", "set", cut, "down")
                    await load.grow(200)
                    run("ip", "link", "set", cut, "up")
                    await trio.to_thread.run_sync(cluster.wait)
                    await load.grow(200)
            assert load.lost == set()
        finally:
            cluster.kill()


# ---------------------------------------------------------------- the power


class Disk:
    """A file system in a file."""

    def __init__(self, directory: Path, name: str) -> None:
        self.image = directory / f"{name}.image"
        self.place = directory / name
        self.place.mkdir()
        with self.image.open("wb") as image:
            image.truncate(512 * 2**20)
        run("mkfs.ext4", "-q", "-F", self.image)
        run("mount", "-o", "loop", self.image, self.place)

    def copy(self) -> Path:
        """What would be on it after a power cut now."""
        copied = self.image.with_suffix(".copy")
        run("cp", "--sparse=always", self.image, copied)
        return copied

    def unmount(self) -> None:
        run("umount", self.place)

    def put(self, image: Path) -> None:
        """Have what is in a copy in the place of what was there."""
        self.unmount()
        run("mount", "-o", "loop", image, self.place)


async def survivors(cluster: Cluster, url: str, accepted: set[str]) -> set[str]:
    """The accepted ids that are there after the servers have been started again."""
    try:
        await trio.to_thread.run_sync(cluster.start)
    except AssertionError:
        return set()  # they do not find together again
    found: set[str] = set()
    # A cluster that has lost the queue itself refuses to be asked about it.
    with trio.move_on_after(60), contextlib.suppress(IsthmusError):
        async with open_(url) as queue:
            while not accepted <= found:
                claims = await queue.claim("load", 500, wait=2)
                if not claims and (await queue.stats("load")).waiting == 0:
                    break
                found |= {claim.message_id for claim in claims}
                await queue.ack(claims)
    return found & accepted


async def test_the_power_of_one_server_is_cut_while_another_hangs(prefix: str) -> None:
    """The two that have everything are not both there: what the third accepted alone would be gone."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        disks = [Disk(directory, f"n{number}") for number in range(3)]
        cluster = Cluster(directory)
        try:
            cluster.start()
            async with open_(cluster.url(prefix, patience=90)) as queue:
                load = Load(queue)
                await queue.declare("load")
                hangs = await trio.to_thread.run_sync(cluster.leader, f"{prefix}-0")
                cut = next(node for node in cluster.nodes if node is not hangs)
                with trio.fail_after(150):
                    async with trio.open_nursery() as nursery:
                        for _ in range(3):
                            nursery.start_soon(load.publish)
                        await load.grow(1000)
                        hangs.signal(signal.SIGSTOP)
                        await load.grow(1000)
                        cut.signal(signal.SIGSTOP)
                        disk = disks[cluster.nodes.index(cut)]
                        copied = disk.copy()
                        cut.kill()
                        disk.put(copied)
                        cut.start()
                        await load.grow(500)
                        hangs.signal(signal.SIGCONT)
                        await load.grow(500)
                        nursery.cancel_scope.cancel()
            found = await survivors(cluster, cluster.url(prefix), load.accepted)
            assert load.accepted - found == set()
        finally:
            cluster.kill()
            for disk in disks:
                disk.unmount()


@pytest.mark.parametrize("sync", ["always", ""])
async def test_the_power_of_all_servers_is_cut(sync: str, prefix: str) -> None:
    """With ``always`` nothing is lost; with the default it is, which shows that this would be noticed."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        disks = [Disk(directory, f"n{number}") for number in range(3)]
        cluster = Cluster(directory, sync=sync)
        url = cluster.url(prefix, **({} if sync else {"unsafe": 1}))
        try:
            cluster.start()
            async with open_(url) as queue:
                load = Load(queue)
                await queue.declare("load")
                with trio.move_on_after(60):
                    async with trio.open_nursery() as nursery:
                        for _ in range(3):
                            nursery.start_soon(load.publish)
                        await load.grow(3000)
                        for node in cluster.nodes:
                            node.signal(signal.SIGSTOP)
                        nursery.cancel_scope.cancel()
                copies = [disk.copy() for disk in disks]
                cluster.kill()
            for disk, copied in zip(disks, copies, strict=True):
                disk.put(copied)
            found = await survivors(cluster, url, load.accepted)
            lost = len(load.accepted) - len(found)
            assert lost == 0 if sync else lost > 0
        finally:
            cluster.kill()
            for disk in disks:
                disk.unmount()
