"""A URL and its options, and that no secret is repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus import EngineError
from isthmus_nats._address import Address, read_address


def test_servers_have_a_default_port() -> None:
    assert read_address("nats://a,b:1,[::1]:2", {}).servers == (
        "nats://a:4222",
        "nats://b:1",
        "nats://[::1]:2",
    )


def test_without_options_it_is_three_copies_in_one_stream_on_a_safe_cluster() -> None:
    assert read_address("nats://a", {}) == Address(
        servers=("nats://a:4222",), prefix="isthmus", shards=1, replicas=3, unsafe=False, max_age=0.0
    )


def test_options_are_read(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    options = {
        "prefix": "p_1-x",
        "shards": "4",
        "replicas": "5",
        "lanes": "8",
        "monitor": "http://a,https://b:1/",
        "unsafe": "1",
        "max_bytes": "20G",
        "max_age": "36h",
        "patience": "5",
        "ca": str(ca),
    }
    assert read_address("nats://a", options) == Address(
        servers=("nats://a:4222",),
        prefix="p_1-x",
        shards=4,
        replicas=5,
        lanes=8,
        monitor=("http://a:8222", "https://b:1"),
        unsafe=True,
        max_bytes=20 * 2**30,
        max_age=129_600.0,
        patience=5.0,
        ca=str(ca),
    )


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("nats:", {}, "a cluster is named nats://host:port,host:port"),
        ("nats://", {}, "a cluster is named nats://host:port,host:port"),
        ("nats://a:x", {}, "a server is named host:port, not 'a:x'"),
        ("nats://a,,b", {}, "a server is named host:port, not ''"),
        ("nats://a", {"shard": "1"}, "no option 'shard'; did you mean 'shards'"),
        ("nats://a", {"shards": "65"}, "the option shards takes a number from 1 to 64, not '65'"),
        ("nats://a", {"replicas": "2"}, "the option replicas takes 1, 3 or 5, not '2'"),
        ("nats://a", {"unsafe": "yes"}, "the option unsafe takes 0 or 1"),
        ("nats://a", {"prefix": "a.b"}, "the option prefix takes up to 32 letters"),
        ("nats://a", {"monitor": "a:8222"}, "the option monitor takes the URLs"),
        ("nats://a", {"max_bytes": "0"}, "the option max_bytes takes bytes"),
        ("nats://a", {"max_age": "4h"}, "the option max_age takes a time of 21600"),
        ("nats://a", {"credentials": "/no/such"}, "there is none at '/no/such'"),
        ("nats://a", {"user": "U"}, "go together"),
        ("nats://a", {"user": "U", "password": "P", "token": "T"}, "takes one of the options"),
    ],
)
def test_what_is_wrong_is_said(url: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(EngineError) as caught:
        read_address(url, options)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("nats://me:hunter2@a", {}),
        ("nats://hunter2@a", {}),
        ("nats://a", {"token": "hunter2!"}),
        ("nats://a", {"user": "U", "password": "hunter 2"}),
        ("nats://a", {"monitor": "http://me:hunter2@b"}),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(url: str, options: dict[str, str]) -> None:
    with pytest.raises(EngineError) as caught:
        read_address(url, options)
    assert "hunter" not in str(caught.value)
