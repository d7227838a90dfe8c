"""Egress rules are followed or refused as a whole; by default nothing but a public address is let through."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from fuzz.generators import text
from isthmus.abc import Egress
from isthmus.errors import EngineError
from isthmus_fetch._addresses import carried, plain
from isthmus_fetch._urls import BadUrl, parse_url
from isthmus_fetch.egress import Rules

_DEFAULT = Rules(Egress())


def check(data: bytes) -> None:
    """Lines: ``+entry`` allows, ``-entry`` denies, ``@url`` is the proxy, ``*`` allows private ones; others are URLs."""
    allow: list[str] = []
    deny: list[str] = []
    urls: list[str] = []
    proxy = None
    private = False
    for line in text(data).split("\n"):
        if line[:1] == "+":
            allow.append(line[1:])
        elif line[:1] == "-":
            deny.append(line[1:])
        elif line[:1] == "@":
            proxy = line[1:]
        elif line == "*":
            private = True
        else:
            urls.append(line)
    try:
        rules = Rules(Egress(allow_private=private, allow=tuple(allow), deny=tuple(deny), proxy=proxy))
    except EngineError as error:
        str(error)
        rules = None
    for given in urls:
        try:
            url = parse_url(given)
        except BadUrl:
            continue
        if rules is not None:
            _ask(rules, url.host, url.address, url.port, denied=bool(deny))
        if url.address is not None and not _DEFAULT.refuse_address(url.host, url.address, url.port):
            assert _public(url.address), f"{url.address} is let through"


def _ask(
    rules: Rules, host: str, address: IPv4Address | IPv6Address | None, port: int, *, denied: bool
) -> None:
    answers = [
        rules.refuse_name(host, port),
        rules.refuse_unknown(host, port),
        rules.refuse_host_header(host, port),
    ]
    if address is not None:
        answers.append(rules.refuse_address(host, address, port))
    for answer in answers:
        assert isinstance(answer, str)
    if not denied and not answers[1]:
        # A host that may be left to a proxy may be looked up too.
        assert not answers[0]


def _public(address: IPv4Address | IPv6Address) -> bool:
    """By Python's own tables, and looking into an IPv6 address for the one it leads to."""
    inner = [plain(address), *carried(address)]
    return all(each.is_global and not each.is_multicast for each in inner)
