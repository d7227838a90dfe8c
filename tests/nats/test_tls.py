"""TLS to the servers: with an authority and certificates of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import Authority

from isthmus import QueueError
from isthmus.queues import Entry

from .conftest import open_
from .servers import Cluster, running

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def ca(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its certificate, as a file to trust."""
    path = tmp_path_factory.mktemp("trusted") / "ca.pem"
    path.write_bytes(authority.pem)
    return path


@pytest.fixture(scope="module")
def guarded(authority: Authority, ca: Path) -> Iterator[Cluster]:
    """A server that speaks TLS alone, and only to those whose certificate is the authority's."""
    cert, key = authority.files("127.0.0.1")
    with running(
        size=1,
        extra=f'tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{ca}", verify: true, timeout: 10 }}',
    ) as alone:
        yield alone


def url(cluster: Cluster, prefix: str, **options: object) -> str:
    return cluster.url(prefix, unsafe=1, replicas=1, patience=1, **options)


async def test_deliveries_pass_between_those_who_trust_each_other(
    guarded: Cluster, authority: Authority, ca: Path, prefix: str
) -> None:
    cert, key = authority.files("client")
    async with open_(url(guarded, prefix, ca=ca, cert=cert, key=key)) as queue:
        await queue.declare("q")
        await queue.publish([Entry(queue="q", message_id="m", body=b"x")])
        claims = await queue.claim("q", 1, wait=10)
        assert [claim.message_id for claim in claims] == ["m"]
        await queue.ack(claims)


async def test_a_server_whose_authority_is_not_trusted_is_not_spoken_to(
    guarded: Cluster, authority: Authority, prefix: str
) -> None:
    cert, key = authority.files("client")
    with pytest.raises(QueueError, match=r"certificate verify failed|CERTIFICATE_VERIFY_FAILED"):
        async with open_(url(guarded, prefix, tls=1, cert=cert, key=key)):
            pass


async def test_a_client_without_a_certificate_is_not_let_in(guarded: Cluster, ca: Path, prefix: str) -> None:
    with pytest.raises(QueueError, match=r"(?i)certificate|unknown.ca|alert"):
        async with open_(url(guarded, prefix, ca=ca)):
            pass


async def test_a_certificate_of_another_authority_does_not_let_in(
    guarded: Cluster, ca: Path, prefix: str, tmp_path: Path
) -> None:
    cert, key = Authority(tmp_path).files("client")
    with pytest.raises(QueueError, match=r"(?i)certificate|unknown.ca|alert"):
        async with open_(url(guarded, prefix, ca=ca, cert=cert, key=key)):
            pass


async def test_a_certificate_for_another_host_is_not_taken(
    authority: Authority, ca: Path, prefix: str
) -> None:
    cert, key = authority.files("elsewhere.example.com")
    extra = f'tls {{ cert_file: "{cert}", key_file: "{key}", timeout: 10 }}'
    with running(size=1, extra=extra) as other, pytest.raises(QueueError, match=r"(?i)mismatch"):
        async with open_(url(other, prefix, ca=ca)):
            pass
