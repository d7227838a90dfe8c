"""Which cluster is meant, and how it is to be used: a URL and its options."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import urlsplit

import msgspec

from isthmus.errors import EngineError

__all__ = ["Address", "read_address"]

PORT: Final = 4222
MONITOR_PORT: Final = 8222

_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_UNITS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SPANS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@final
class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster and the ways of using it; of secrets it knows only where they are.

    Attributes:
        servers: ``nats://host:port`` each.
        prefix: begins the names of all streams and subjects, so that several installations share a cluster.
        shards: streams that the queues are spread over, by a hash of their names.
        replicas: servers that keep each message.
        lanes: consumers that share the keys of an ordered queue between them.
        monitor: URLs of the servers' monitoring, ``http://host:port``.
        unsafe: take a cluster that can lose what it accepted.
        credentials: path of a NATS credentials file, or "".
        user: name of the environment variable that holds the user, or "".
        password: likewise, of the password.
        token: likewise, of a token.
        tls: speak TLS, also where the server does not insist on it.
        ca: path of the certificates to trust, or "" for those of the system.
        cert: path of the client's certificate, or "".
        key: path of its key, or "".
        max_bytes: of each stream at the most, -1 for as much as the servers take.
        max_age: seconds after which an unclaimed delivery is dropped, 0 for never.
        patience: seconds for which a server that does not answer is asked again.
    """

    servers: tuple[str, ...]
    prefix: str = "isthmus"
    shards: int = 1
    replicas: int = 3
    lanes: int = 16
    monitor: tuple[str, ...] = ()
    unsafe: bool = False
    credentials: str = ""
    user: str = ""
    password: str = ""
    token: str = ""
    tls: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""
    max_bytes: int = -1
    max_age: float = 0.0
    patience: float = 30.0


def read_address(url: str, options: Mapping[str, str]) -> Address:
    """Understand a URL and its options.

    Raises:
        EngineError: one of them is none; the message repeats no password.
    """
    unknown = [name for name in options if name not in _READERS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], _READERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(_READERS))}"
        raise EngineError(f"a nats: queue has no option {unknown[0]!r}; {hint}")
    values: dict[str, Any] = {name: _READERS[name](name, text) for name, text in options.items()}
    address = Address(servers=_servers(url), **values)
    if bool(address.user) != bool(address.password):
        raise EngineError("the options user and password of a nats: queue go together")
    if bool(address.cert) != bool(address.key):
        raise EngineError("the options cert and key of a nats: queue go together")
    if sum(map(bool, (address.credentials, address.user, address.token))) > 1:
        raise EngineError("a nats: queue takes one of the options credentials, user and token")
    return address


def _servers(url: str) -> tuple[str, ...]:
    rest = url.partition("://")[2]
    if not rest:
        raise EngineError("a cluster is named nats://host:port,host:port")
    servers = []
    for part in rest.rstrip("/").split(","):
        if "@" in part:
            raise EngineError(
                "the URL of a nats: queue takes no user and password, for URLs end in logs; "
                "?user=NAME&password=NAME name environment variables, ?credentials=PATH a file"
            )
        host, port = _host(part, PORT)
        servers.append(f"nats://{host}:{port}")
    return tuple(servers)


def _host(text: str, port: int) -> tuple[str, int]:
    try:
        split = urlsplit(f"//{text}")
        host, number = split.hostname, split.port or port
    except ValueError:
        host, number = None, 0
    if not host or split.path or split.query:
        raise EngineError(f"a server is named host:port, not {text!r}")
    return (f"[{host}]" if ":" in host else host), number


def _monitors(name: str, text: str) -> tuple[str, ...]:
    urls = []
    for part in text.split(","):
        scheme, found, rest = part.partition("://")
        if not found or scheme not in {"http", "https"} or "@" in rest:
            raise EngineError(
                f"the option {name} takes the URLs of the servers' monitoring, http://host:{MONITOR_PORT}"
            )
        host, port = _host(rest.rstrip("/"), MONITOR_PORT)
        urls.append(f"{scheme}://{host}:{port}")
    return tuple(urls)


def _number(least: int, most: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise EngineError(f"the option {name} takes a number from {least} to {most}, not {text!r}")
        return int(text)

    return read


def _flag(name: str, text: str) -> bool:
    if text not in {"0", "1"}:
        raise EngineError(f"the option {name} takes 0 or 1, not {text!r}")
    return text == "1"


def _prefix(name: str, text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise EngineError(f"the option {name} takes up to 32 letters, digits, - and _, not {text!r}")
    return text


def _replicas(name: str, text: str) -> int:
    if text not in {"1", "3", "5"}:
        raise EngineError(f"the option {name} takes 1, 3 or 5, not {text!r}")
    return int(text)


def _file(name: str, text: str) -> str:
    if not Path(text).is_file():
        raise EngineError(f"the option {name} takes the path of a file; there is none at {text!r}")
    return text


def _variable(name: str, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        # What was meant as the secret itself must not be repeated.
        raise EngineError(f"the option {name} takes the name of an environment variable, and this is none")
    return text


def _size(name: str, text: str) -> int:
    match = re.fullmatch(r"(\d{1,15})([kmgt]?)", text.lower())
    if match is None or int(match[1]) == 0:
        raise EngineError(f"the option {name} takes bytes, such as 500m or 20g, not {text!r}")
    return int(match[1]) * _UNITS[match[2]]


def _span(least: float, most: float) -> Callable[[str, str], float]:
    def read(name: str, text: str) -> float:
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)", text.lower())
        seconds = float(match[1]) * _SPANS[match[2] or "s"] if match else -1.0
        if not least <= seconds <= most:
            raise EngineError(
                f"the option {name} takes a time of {least:g} to {most:g} seconds, such as 36h, not {text!r}"
            )
        return seconds

    return read


_READERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "prefix": _prefix,
    "shards": _number(1, 64),
    "replicas": _replicas,
    "lanes": _number(1, 64),
    "monitor": _monitors,
    "unsafe": _flag,
    "credentials": _file,
    "user": _variable,
    "password": _variable,
    "token": _variable,
    "tls": _flag,
    "ca": _file,
    "cert": _file,
    "key": _file,
    "max_bytes": _size,
    # Below the window of the retries an event would be dropped between two of its attempts.
    "max_age": _span(6 * 3600, 365 * 86_400),
    "patience": _span(1, 3600),
}
