"""A cluster that could lose what it accepts is refused, and why is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import msgspec
import nats.aio.client
import nats.errors
import pytest

from isthmus import QueueError
from isthmus.queues import Entry, Finding
from isthmus_nats import _connection
from isthmus_nats._address import Address
from isthmus_nats._safety import Server, judge

from .conftest import open_
from .servers import Cluster, running

ADDRESS = Address(servers=("nats://a:4222",), monitor=("http://n0", "http://n1", "http://n2"))
PEERS = {"n0": False, "n1": False, "n2": False}
SERVERS = [
    Server(f"http://{name}", name=name, version="2.15.1", stores=True, sync_always=True, size=3, peers=PEERS)
    for name in PEERS
]
STREAMS = {"isthmus-0": 3, "isthmus-dead": 3}


def unsafe(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings if finding.level == "unsafe"]


def test_three_servers_that_sync_are_fine() -> None:
    findings = judge(ADDRESS, "2.15.1", SERVERS, STREAMS)
    assert {finding.level for finding in findings} == {"fine"}
    assert len(findings) == 3


def changed(place: int, **values: object) -> list[Server]:
    servers = list(SERVERS)
    servers[place] = msgspec.structs.replace(servers[place], **values)
    return servers


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        (changed(1, sync_always=False), "n1 does not sync each write"),
        (changed(2, version="2.13.4"), "n2 has version 2.13.4, and 2.14 is the least"),
        (changed(2, version=""), "n2 has version unknown"),
        (SERVERS[:2], "n2 is of the cluster and was not asked"),
        (changed(0, name="", problem="refused", peers={}), "http://n0 can't be asked"),
    ],
)
def test_one_server_that_is_not_makes_the_cluster_unsafe(servers: list[Server], said: str) -> None:
    found = unsafe(judge(ADDRESS, "2.15.1", servers, STREAMS))
    assert found
    assert any(what.startswith(said) for what in found)


def test_a_server_that_is_down_is_a_warning_for_the_others_go_on_without_it() -> None:
    gone = PEERS | {"n0": True}
    servers = [msgspec.structs.replace(server, peers=gone) for server in SERVERS]
    servers[0] = Server("http://n0", problem="refused")
    findings = judge(ADDRESS, "2.15.1", servers, STREAMS)
    assert not unsafe(findings)
    assert sum(finding.level == "warning" for finding in findings) == 2


def test_not_to_know_is_unsafe() -> None:
    address = msgspec.structs.replace(ADDRESS, monitor=())
    (what,) = unsafe(judge(address, "2.15.1", [], STREAMS))
    assert what.startswith("it is not known whether the servers sync")


def test_too_few_copies_are_unsafe() -> None:
    address = msgspec.structs.replace(ADDRESS, replicas=1)
    assert "the option replicas=1 asks for too few copies" in unsafe(judge(address, "2.15.1", SERVERS, {}))
    assert "the stream isthmus-0 has 1 copy" in unsafe(judge(ADDRESS, "2.15.1", SERVERS, {"isthmus-0": 1}))


def test_everything_unsafe_has_a_remedy() -> None:
    servers = [msgspec.structs.replace(server, sync_always=False, version="2.9") for server in SERVERS]
    findings = judge(ADDRESS, "2.9.1", servers, {"isthmus-0": 1})
    assert all(finding.remedy for finding in findings if finding.level == "unsafe")


def test_dropping_by_age_is_told() -> None:
    address = msgspec.structs.replace(ADDRESS, max_age=86_400.0)
    (warning,) = [f for f in judge(address, "2.15.1", SERVERS, STREAMS) if f.level == "warning"]
    assert "not acknowledged within 86400 s are dropped" in warning.what


# ---------------------------------------------------------------- real servers


async def test_a_safe_cluster_says_so(cluster: Cluster, prefix: str) -> None:
    async with open_(cluster.url(prefix)) as queue:
        assert {finding.level for finding in await queue.findings()} == {"fine"}


async def refusal(url: str) -> str:
    with pytest.raises(QueueError) as caught:
        async with open_(url):
            raise AssertionError("it was opened")
    return str(caught.value)


def doctor(url: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "isthmus", "doctor", "--queue", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout[done.stdout.index("\nqueue\n") :]


def test_doctor_says_what_holds_and_what_to_mend(cluster: Cluster, prefix: str) -> None:
    status, told = doctor(cluster.url(prefix))
    assert status == 0
    assert [line[:3] for line in told.splitlines()[2:]] == ["  ✓"] * 3
    status, told = doctor(cluster.url(prefix, monitor=""))
    assert status == 1
    assert "✗ the cluster could lose what it accepts, so it is not used:\n    - it is not known" in told


async def test_without_monitoring_nothing_is_opened_nor_made(cluster: Cluster, prefix: str) -> None:
    said = await refusal(cluster.url(prefix, monitor=""))
    assert "not known whether the servers sync" in said
    assert "monitor=http://host:8222" in said
    streams = [
        stream["name"]
        for account in cluster.nodes[0].ask("jsz?streams=1")["account_details"]
        for stream in account["stream_detail"]
    ]
    assert not [name for name in streams if name.startswith(prefix)]


async def test_monitoring_of_two_of_three_is_not_enough(cluster: Cluster, prefix: str) -> None:
    monitors = cluster.monitors.rpartition(",")[0]
    assert "n2 is of the cluster and was not asked" in await refusal(cluster.url(prefix, monitor=monitors))


async def test_one_server_is_refused_and_taken_where_told_so(prefix: str) -> None:
    with running(size=1) as alone:
        assert "the cluster has 1 server" in await refusal(alone.url(prefix))
        said = await refusal(alone.url(prefix, unsafe=1))
        assert "can't keep 3 copies" in said
        assert "replicas=1&unsafe=1" in said
        async with open_(alone.url(prefix, unsafe=1, replicas=1)) as queue:
            await queue.declare("q")
            await queue.publish([Entry(queue="q", message_id="m", body=b"1")])
            assert [claim.message_id for claim in await queue.claim("q", 1, wait=5)] == ["m"]
            assert len([f for f in await queue.findings() if f.level == "unsafe"]) >= 2


async def test_servers_that_sync_now_and_then_are_refused(prefix: str) -> None:
    with running(sync="") as careless:
        said = await refusal(careless.url(prefix))
        assert said.count("does not sync each write") == 3
        assert "sync_interval: always" in said


async def test_credentials_come_from_the_environment_and_are_never_shown(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = "authorization { user: me, password: hunter2 }"
    with running(size=1, extra=extra) as guarded:
        options: dict[str, object] = {
            "unsafe": 1,
            "replicas": 1,
            "user": "TRIAL_USER",
            "password": "TRIAL_SECRET",
        }
        monkeypatch.setenv("TRIAL_USER", "me")
        monkeypatch.setenv("TRIAL_SECRET", "wrong-hunter3")
        said = await refusal(guarded.url(prefix, **options))
        assert "hunter" not in said
        assert "Authorization" in said
        monkeypatch.setenv("TRIAL_SECRET", "hunter2")
        async with open_(guarded.url(prefix, **options)) as queue:
            assert "hunter" not in repr(queue) + repr(vars(queue))
            assert await queue.names() == []


class HungUpOn(nats.aio.client.Client):
    """A client whose first connections end before anything is said, also while it tidies up behind them."""

    left = 2

    async def _process_connect_init(self) -> None:
        if HungUpOn.left:
            raise ConnectionResetError(104, "Connection reset by peer")
        await super()._process_connect_init()

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        if HungUpOn.left and status == self.DISCONNECTED:
            HungUpOn.left -= 1
            raise ConnectionResetError(104, "Connection reset by peer")
        await super()._close(status, do_cbs)


async def test_a_server_that_hangs_up_before_it_says_why_is_asked_again(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_connection, "Client", HungUpOn)
    monkeypatch.setattr(HungUpOn, "left", 2)
    monkeypatch.setenv("TRIAL_TOKEN", "wrong")
    with running(size=1, extra="authorization { token: right }") as guarded:
        said = await refusal(guarded.url(prefix, unsafe=1, replicas=1, token="TRIAL_TOKEN"))
        assert "Authorization" in said
        monkeypatch.setattr(HungUpOn, "left", 2)
        monkeypatch.setenv("TRIAL_TOKEN", "right")
        async with open_(guarded.url(prefix, unsafe=1, replicas=1, token="TRIAL_TOKEN")) as queue:
            assert await queue.names() == []
    assert HungUpOn.left == 0


async def test_what_comes_after_a_refusal_does_not_hide_it() -> None:
    connection = _connection.Connection(ADDRESS)
    await connection._failed(nats.errors.Error("nats: 'Authorization Violation'"))
    await connection._failed(ConnectionResetError(104, "Connection reset by peer"))
    assert "Authorization Violation" in connection._unusable("no connection")


def test_a_missing_client_library_is_said(
    monkeypatch: pytest.MonkeyPatch, hidden: Callable[[str], None]
) -> None:
    import isthmus_nats
    from isthmus import PluginError

    hidden("nats")
    with pytest.raises(PluginError, match=r"pip install 'isthmus\[nats\]'"):
        isthmus_nats.open_nats_queue("nats://a", {})
