"""Text is one URL or a BadUrl: what it comes to is plain ASCII without controls, and reads back as itself."""

from __future__ import annotations

from ipaddress import IPv6Address

from fuzz.generators import text
from isthmus_fetch._urls import BadUrl, Url, parse_url

PRINTABLE = frozenset(map(chr, range(0x21, 0x7F)))


def check(data: bytes) -> None:
    first, _, second = data.partition(b"\n")
    try:
        base = parse_url(text(first))
    except BadUrl as error:
        str(error).encode()
        return
    _hold(base)
    if not second:
        return
    try:
        _hold(parse_url(text(second), base))
    except BadUrl as error:
        str(error).encode()


def _hold(url: Url) -> None:
    for part in (
        url.scheme,
        url.host,
        url.path,
        url.target,
        url.netloc,
        url.username,
        url.password,
        str(url),
    ):
        assert set(part) <= PRINTABLE, part
    assert url.scheme in {"http", "https"}
    assert 0 <= url.port < 65536
    assert url.path.startswith("/")
    assert not {"/..", "/."} & {url.path[-3:], url.path[-2:]}
    assert "/../" not in url.path
    assert "#" not in url.target
    assert "@" not in url.netloc
    if url.address is not None:
        assert url.host == (
            url.address.compressed if isinstance(url.address, IPv6Address) else str(url.address)
        )
    if url.credentials is not None:
        assert isinstance(url.credentials, bytes)
    again = parse_url(str(url))
    assert str(again) == str(url)
    assert (again.host, again.address, again.port, again.target) == (
        url.host,
        url.address,
        url.port,
        url.target,
    )
