"""Whether a cluster keeps what it accepts, and how one would know.

A client sees the version of one server and the replicas of a stream.  Whether a server syncs each write before it answers, which
by default none does, is told only by its monitoring; so that is asked, of every server that keeps data.  With the default
a power cut of all servers lost everything that had been accepted in the last two minutes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, final

import httpx
import msgspec
import trio

from isthmus.queues import Finding

from ._address import Address

__all__ = ["Server", "ask_servers", "judge"]

LEAST: Final = (2, 14)
_REPLICAS: Final = 3
_TIMEOUT: Final = 5.0
_MOST: Final = 4 * 2**20  # bytes of an answer


@final
class _Peer(msgspec.Struct, frozen=True):
    name: str
    offline: bool = False


@final
class _Meta(msgspec.Struct, frozen=True):
    leader: str = ""
    cluster_size: int = 0
    replicas: list[_Peer] = []


@final
class _Config(msgspec.Struct, frozen=True):
    sync_always: bool = False


@final
class _JetStream(msgspec.Struct, frozen=True):
    config: _Config | None = None
    meta: _Meta | None = None


@final
class _Varz(msgspec.Struct, frozen=True):
    server_name: str
    version: str
    jetstream: _JetStream = _JetStream()


@final
class Server(msgspec.Struct, frozen=True):
    """What a server's monitoring says.

    Attributes:
        url: it was asked at.
        name: of the server; "" where it did not answer.
        version: of its software.
        stores: whether it keeps streams at all.
        sync_always: whether it syncs each write before it answers.
        size: servers of the cluster that keep streams.
        peers: those it knows, itself included, and whether each is thought to be offline.
        problem: why it says nothing.
    """

    url: str
    name: str = ""
    version: str = ""
    stores: bool = False
    sync_always: bool = False
    size: int = 0
    peers: Mapping[str, bool] = {}
    problem: str = ""


async def ask_servers(urls: Sequence[str]) -> list[Server]:
    """Ask each server's monitoring; one that does not answer is in the list as well."""
    servers: dict[str, Server] = {}
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client, trio.open_nursery() as nursery:

        async def ask(url: str) -> None:
            servers[url] = await _ask(client, url)

        for url in urls:
            nursery.start_soon(ask, url)
    return [servers[url] for url in urls]


async def _ask(client: httpx.AsyncClient, url: str) -> Server:
    try:
        async with client.stream("GET", f"{url}/varz") as response:
            response.raise_for_status()
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MOST:
                    return Server(url, problem=f"its answer has more than {_MOST} bytes")
        varz = msgspec.json.decode(bytes(body), type=_Varz)
    except (httpx.HTTPError, msgspec.MsgspecError) as exc:
        return Server(url, problem=f"{type(exc).__name__}: {exc}")
    config, meta = varz.jetstream.config, varz.jetstream.meta
    peers = {varz.server_name: False}
    if meta is not None:
        peers |= {peer.name: peer.offline for peer in meta.replicas}
        peers.setdefault(meta.leader, False)
        peers.pop("", None)
    return Server(
        url,
        name=varz.server_name,
        version=varz.version,
        stores=config is not None,
        sync_always=config is not None and config.sync_always,
        size=meta.cluster_size if meta is not None else 1,
        peers=peers,
    )


def judge(
    address: Address, version: str, servers: Sequence[Server], streams: Mapping[str, int]
) -> list[Finding]:
    """Say what holds and what does not: pure.

    Args:
        address: how the cluster is to be used.
        version: of the server that is connected to.
        servers: what their monitoring says.
        streams: the replicas of each stream there is.
    """
    return [
        *_versions({"the server connected to": version} | {s.name: s.version for s in servers if s.name}),
        *_copies(address, servers, streams),
        *_syncing(address, servers),
        *_ages(address),
    ]


def _versions(versions: Mapping[str, str]) -> list[Finding]:
    old = {name: version for name, version in versions.items() if _parsed(version) < LEAST}
    least = ".".join(map(str, LEAST))
    if not old:
        return [Finding(level="fine", what=f"every server seen has at least version {least}")]
    return [
        Finding(
            level="unsafe",
            what=f"{name} has version {version or 'unknown'}, and {least} is the least",
            remedy=f"install nats-server {least} or later",
        )
        for name, version in old.items()
    ]


def _parsed(version: str) -> tuple[int, ...]:
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _copies(address: Address, servers: Sequence[Server], streams: Mapping[str, int]) -> list[Finding]:
    findings = []
    size = max((server.size for server in servers if server.stores), default=0)
    if servers and 0 < size < _REPLICAS:
        findings.append(
            Finding(
                level="unsafe",
                what=f"the cluster has {size} server{'s' * (size > 1)} that keep streams",
                remedy=f"run {_REPLICAS} on machines that do not fail together",
            )
        )
    if address.replicas < _REPLICAS:
        findings.append(
            Finding(
                level="unsafe",
                what=f"the option replicas={address.replicas} asks for too few copies",
                remedy=f"leave it out, or say replicas={_REPLICAS}",
            )
        )
    few = {name: replicas for name, replicas in streams.items() if replicas < _REPLICAS}
    findings += [
        Finding(
            level="unsafe",
            what=f"the stream {name} has {replicas} cop{'ies' if replicas > 1 else 'y'}",
            remedy=f"nats stream edit {name} --replicas {_REPLICAS}",
        )
        for name, replicas in few.items()
    ]
    if not findings and streams:
        findings.append(
            Finding(level="fine", what=f"every stream has {min(streams.values())} copies or more")
        )
    return findings


def _syncing(address: Address, servers: Sequence[Server]) -> list[Finding]:
    if not address.monitor:
        return [
            Finding(
                level="unsafe",
                what="it is not known whether the servers sync each write before they answer; by default they do not",
                remedy="name the monitoring of every server: monitor=http://host:8222,http://host:8222",
            )
        ]
    findings = []
    names = {server.name for server in servers if server.name}
    offline = {name for server in servers for name, gone in server.peers.items() if gone}
    unseen = {name for server in servers for name in server.peers} - names
    for server in servers:
        if server.problem:
            # A cluster goes on with one server down, and so must whoever starts meanwhile.
            excused = len(unseen & offline) >= sum(bool(other.problem) for other in servers)
            findings.append(
                Finding(
                    level="warning" if excused else "unsafe",
                    what=f"{server.url} can't be asked: {server.problem}",
                    remedy="start that server, or mend its http option",
                )
            )
        elif server.stores and not server.sync_always:
            findings.append(
                Finding(
                    level="unsafe",
                    what=f"{server.name} does not sync each write before it answers",
                    remedy="set sync_interval: always in its jetstream block, and restart it",
                )
            )
    answered = [server for server in servers if not server.problem]
    findings += [
        Finding(
            level="warning" if name in offline else "unsafe",
            what=f"{name} is of the cluster and was not asked{', for it is offline' * (name in offline)}",
            remedy="name its monitoring in the option monitor",
        )
        for name in sorted(unseen)
        if answered
    ]
    if not findings:
        findings.append(Finding(level="fine", what="every server syncs each write before it answers"))
    return findings


def _ages(address: Address) -> list[Finding]:
    if not address.max_age:
        return []
    return [
        Finding(
            level="warning",
            what=f"deliveries that are not acknowledged within {address.max_age:g} s are dropped",
            remedy="leave the option max_age out, and bound the room by max_bytes: then publishing is refused instead",
        )
    ]
