"""Where an instance's requests may go: rules over names, addresses and ports, without I/O.

A name is judged before it is looked up, so that a lookup carries nothing out that the
rules would not let out; every address it has is judged before it is connected to.
What is connected to is an address, never a name, so neither a second answer of the
resolver nor a redirect nor an odd spelling gets round the rules.

Through a proxy it is the proxy that looks names up.  The same rules are then put to
the name, and to its addresses as this machine sees them, before the proxy is asked;
where the proxy sees other addresses than this machine, or this machine sees none,
it is the proxy's own rules that decide.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import final

import msgspec

from isthmus.abc import Egress
from isthmus.errors import EngineError

from ._addresses import Address, Network, carried, plain, special
from ._urls import BadUrl, Url, parse_host, parse_url

__all__ = ["Proxy", "Rules", "check_egress", "rules_of"]

_PROXY_PORTS = {"http": 80, "socks5": 1080}


@final
class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """The proxy of an instance; its address is the operator's choice and not judged.

    Attributes:
        scheme: ``http`` or ``socks5``.
        credentials: ``user:password``, or None.
    """

    scheme: str
    host: str
    address: Address | None
    port: int
    credentials: tuple[bytes, bytes] | None = None


@final
class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a list: a name, a suffix (``""`` takes every host) or a network; and maybe a port."""

    text: str
    name: str = ""
    suffix: str | None = None
    network: Network | None = None
    port: int | None = None

    def takes_name(self, host: str, port: int) -> bool:
        if self.port not in {None, port}:
            return False
        return host == self.name if self.suffix is None else host.endswith(self.suffix)

    def takes_address(self, addresses: Iterable[Address], port: int) -> bool:
        return (
            self.network is not None
            and self.port in {None, port}
            and any(address in self.network for address in addresses)
        )


@final
class Rules:
    """The rules of one :class:`isthmus.abc.Egress`, read once.

    Each question is answered with the reason for a refusal, a clause about the target, or ``""``.

    Raises:
        EngineError: an entry or the proxy is malformed; the message names it.
    """

    def __init__(self, egress: Egress) -> None:
        self.proxy = None if egress.proxy is None else _proxy(egress.proxy)
        self._allow_private = egress.allow_private
        self._allow = _entries("allow", egress.allow)
        self._deny = _entries("deny", egress.deny)

    def refuse_name(self, host: str, port: int) -> str:
        """Why a host may not even be looked up.

        Args:
            host: a name or an address as :class:`Url` has it; an address is judged as such later.
            port: the port to connect to.
        """
        host = host.removesuffix(".")
        for entry in self._deny:
            if entry.takes_name(host, port):
                return f"{host}:{port} is denied by {entry.text!r} in the instance's egress rules"
        if not self._allow or any(
            (entry.network is not None and entry.port in {None, port}) or entry.takes_name(host, port)
            for entry in self._allow
        ):
            return ""
        return _not_allowed(f"{host}:{port}")

    def refuse_host_header(self, value: str, port: int) -> str:
        """Why a request may not name this host to the server it is sent to.

        Many a server answers for more names than its own, and hands a request on by its Host header.
        """
        if not (self._allow or self._deny):
            return ""
        try:
            named = parse_url(f"http://{value}")
        except BadUrl:
            return "the Host header names no host"
        reason = self.refuse_name(named.host, port)
        return f"the Host header's {reason}" if reason else ""

    def refuse_address(self, host: str, address: Address, port: int) -> str:
        """Why an address may not be connected to on behalf of ``host``, which may be the address itself."""
        itself = plain(address)
        subject = host if host == str(address) else f"{host} has the address {address}, which"
        for entry in self._deny:
            if entry.takes_address((itself, address, *carried(address)), port):
                return f"{subject} is denied by {entry.text!r} in the instance's egress rules"
        listed = any(entry.takes_address((itself,), port) for entry in self._allow)
        if not listed and self._allow and self.refuse_unknown(host, port):
            return _not_allowed(subject)
        kind = special(address)
        if not kind or self._allow_private or listed:
            return ""
        return f"{subject} is {kind}; the instance's egress rules forbid it"

    def refuse_unknown(self, host: str, port: int) -> str:
        """Why a host may not be left to a proxy, this machine knowing no address of it."""
        host = host.removesuffix(".")
        if not self._allow or any(entry.takes_name(host, port) for entry in self._allow):
            return ""
        return _not_allowed(f"{host}:{port}")


def _not_allowed(subject: str) -> str:
    return f"{subject} is not among what the instance's egress rules allow"


def check_egress(egress: Egress) -> None:
    """Say whether egress rules can be followed.

    Raises:
        EngineError: an entry or the proxy is malformed; the message names it.
    """
    Rules(egress)


@functools.lru_cache(maxsize=1024)
def _cached_rules(egress: Egress) -> Rules:
    return Rules(egress)


def rules_of(egress: Egress) -> Rules:
    """The rules of ``egress``, read once for all its requests.

    Raises:
        EngineError: as :func:`check_egress`.
    """
    try:
        return _cached_rules(egress)
    except TypeError:  # a list where a tuple belongs cannot be a key; the message is better from here
        return Rules(egress)


def _entries(field: str, texts: tuple[str, ...]) -> tuple[_Entry, ...]:
    if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
        raise EngineError(f"Egress.{field} takes a tuple of strings, not {texts!r}")
    return tuple(_entry(field, text) for text in texts)


def _entry(field: str, text: str) -> _Entry:
    try:
        if "://" in text:
            raise ValueError("a scheme has no place in it")
        if network := _network(text):
            return _Entry(text=text, network=network)
        target, port = _split_port(text)
        inner = target[1:-1] if target.startswith("[") and target.endswith("]") else target
        if network := _network(inner):
            return _Entry(text=text, network=network, port=port)
        if target == "*":
            return _Entry(text=text, suffix="", port=port)
        name, address = parse_host(target.removeprefix("*."))
        if "*" in name or not name.strip("."):
            raise ValueError("a star stands for whole labels at the start: '*.example.com'")
        if target.startswith("*."):
            if address is not None:
                raise ValueError("an address has no subdomains")
            return _Entry(text=text, suffix=f".{name.removesuffix('.')}", port=port)
        if address is not None:
            return _Entry(text=text, network=ip_network(plain(address)), port=port)
        return _Entry(text=text, name=name.removesuffix("."), port=port)
    except ValueError as exc:
        raise EngineError(
            f"Egress.{field} holds {text!r}, which is not a host, '*.suffix', address or network "
            f"with an optional ':port': {exc}"
        ) from exc


def _network(text: str) -> Network | None:
    """An address or network in the notation of ``ipaddress``; None where it is neither.

    Raises:
        ValueError: it is a network with bits set beyond its prefix.
    """
    if "%" in text or not ("/" in text or ":" in text or text[-1:].isdecimal()):
        return None
    try:
        network = ip_network(text)
    except ValueError:
        start, _, prefix = text.partition("/")
        if prefix.isdecimal() and _is_address(start):
            raise
        return None
    inner = plain(network.network_address)
    if network.version == 6 and inner.version == 4 and network.prefixlen >= 96:
        return ip_network((int(inner), network.prefixlen - 96))
    return network


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _split_port(text: str) -> tuple[str, int | None]:
    target, colon, digits = text.rpartition(":")
    if not colon or digits.endswith("]"):
        return text, None
    if not (digits.isascii() and digits.isdecimal() and 0 < int(digits[:6]) < 65536):
        raise ValueError(f"{digits[:20]!r} is not a port")
    return target, int(digits)


def _proxy(text: str) -> Proxy:
    expected = (
        "expected 'http://host:port' or 'socks5://host:port', with 'user:password@' where it asks for it"
    )
    scheme, mark, rest = text.partition("://") if isinstance(text, str) else ("", "", "")
    if not mark or scheme.lower() not in _PROXY_PORTS:
        # Not the text itself: it may hold a password.
        raise EngineError(f"Egress.proxy is not a proxy's URL; {expected}")
    try:
        # Only the authority matters, and it is written alike in both schemes; a port
        # of its own tells the scheme's default from one that was written out.
        url = parse_url(f"https://{rest}")
        bare = parse_url(f"http://{rest}")
    except BadUrl as exc:
        raise EngineError(f"Egress.proxy is not a proxy's URL; {expected}") from exc
    if url.target != "/" or url.fragment is not None:
        raise EngineError(f"Egress.proxy has a path, which no proxy takes; {expected}")
    port = url.port if url.port == bare.port else _PROXY_PORTS[scheme.lower()]
    return Proxy(scheme=scheme.lower(), host=url.host, address=url.address, port=port, credentials=_pair(url))


def _pair(url: Url) -> tuple[bytes, bytes] | None:
    if (credentials := url.credentials) is None:
        return None
    username, _, password = credentials.partition(b":")
    return username, password
