"""URLs as the WHATWG standard reads them, for ``http`` and ``https`` only.

Python's own parsers leave ``0x7f.1``, ``2130706433`` and digits of other scripts to
the resolver; here they are addresses before any rule looks at them.

Source: https://url.spec.whatwg.org/, "URL parsing", "Host parsing", "IPv4 parser".
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import final
from urllib.parse import quote, unquote_to_bytes

import idna
import msgspec

from ._addresses import Address

__all__ = ["BadUrl", "Url", "parse_host", "parse_url"]

PORTS = {"http": 80, "https": 443}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"[/\\]*([^/\\?#]*)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_TRIMMED = "".join(map(chr, range(0x21)))
_FORBIDDEN_IN_NAME = re.compile(r"[\x00-\x20\"#%/:<>?@\[\\\]^`{|}\x7f]")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")
_DIGITS = re.compile(r"[0-9]+")

# What each part keeps unescaped beyond letters, digits and ``-._~``; the standard
# lists what it escapes instead.
_KEEP_PATH = "!$%&'()*+,/:;=@[\\]|"
_KEEP_QUERY = "!$%&()*+,/:;=?@[\\]^`{|}"
_KEEP_FRAGMENT = "!#$%&'()*+,/:;=?@[\\]^{|}"

_ONE_DOT = frozenset({".", "%2e"})
_TWO_DOTS = frozenset({"..", ".%2e", "%2e.", "%2e%2e"})


@final
class BadUrl(ValueError):
    """The text is not the URL of something that can be fetched; the message says why."""


@final
class Url(msgspec.Struct, frozen=True, kw_only=True):
    """An ``http`` or ``https`` URL, taken apart.

    Attributes:
        host: a name in lower case ASCII, or an address without brackets.
        address: the host where it is an address, however it was spelled.
        port: the one to connect to, the scheme's own where none is given.
        path: escaped, from its first slash.
        query: escaped, without its question mark; None where there is none.
        fragment: escaped, without its hash; None where there is none.
        username: escaped, as written.
        password: escaped, as written.
    """

    scheme: str
    host: str
    address: Address | None
    port: int
    path: str
    query: str | None = None
    fragment: str | None = None
    username: str = ""
    password: str = ""

    @property
    def netloc(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """What a request line names: path and query."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def credentials(self) -> bytes | None:
        """``user:password`` as a Basic header encodes it, or None."""
        if not (self.username or self.password):
            return None
        return unquote_to_bytes(self.username) + b":" + unquote_to_bytes(self.password)

    def __str__(self) -> str:
        """The URL without its credentials: it goes into messages, traces and answers."""
        fragment = "" if self.fragment is None else f"#{self.fragment}"
        return f"{self.scheme}://{self.netloc}{self.target}{fragment}"


def parse_url(text: str, base: Url | None = None) -> Url:
    """Read a URL; one without scheme is read relative to ``base``.

    Raises:
        BadUrl: it is relative and there is no base, of another scheme, or malformed.
    """
    text = _SURROGATE.sub("\ufffd", text).strip(_TRIMMED)
    text = text.replace("\t", "").replace("\n", "").replace("\r", "")
    scheme = ""
    if match := _SCHEME.match(text):
        scheme, rest = match[1].lower(), text[match.end() :]
        if scheme not in PORTS:
            raise BadUrl("Only HTTP(S) protocols are supported")
        if base is None or base.scheme != scheme or rest[:1] in {"/", "\\"}:
            return _absolute(scheme, rest)
        text = rest
    if base is None:
        raise BadUrl("Only absolute URLs are supported")
    if text[:1] in {"/", "\\"} and text[1:2] in {"/", "\\"}:
        return _absolute(base.scheme, text)
    return _relative(text, base)


def _absolute(scheme: str, rest: str) -> Url:
    match = _AUTHORITY.match(rest)
    authority = match[1] if match else ""
    userinfo, _, hostport = authority.rpartition("@")
    username, _, password = userinfo.partition(":")
    # The last colon outside brackets; "[::1]" has none.
    name, colon, digits = hostport.rpartition(":")
    if not colon or "]" in digits:
        name, digits = hostport, ""
    if not name:
        raise BadUrl("Only absolute URLs are supported")
    if digits and not (_DIGITS.fullmatch(digits) and int(digits.lstrip("0")[:6] or "0") < 65536):
        raise BadUrl(f"Invalid URL: {digits[:20]!r} is not a port")
    host, address = parse_host(name)
    path, query, fragment = _parts(rest[match.end() if match else 0 :])
    return Url(
        scheme=scheme,
        host=host,
        address=address,
        # int() refuses more than 4,300 digits, zeros too.
        port=int(digits.lstrip("0") or "0") if digits else PORTS[scheme],
        path=_path(path, []),
        query=query,
        fragment=fragment,
        username=quote(username, safe="!$%&'()*+,"),
        password=quote(password, safe="!$%&'()*+,"),
    )


def _relative(text: str, base: Url) -> Url:
    path, query, fragment = _parts(text)
    if path:
        kept = [] if path[0] in "/\\" else base.path.split("/")[1:-1]
        return msgspec.structs.replace(base, path=_path(path, kept), query=query, fragment=fragment)
    if query is not None:
        return msgspec.structs.replace(base, query=query, fragment=fragment)
    return msgspec.structs.replace(base, fragment=fragment)


def _parts(text: str) -> tuple[str, str | None, str | None]:
    """Path (raw), query and fragment (escaped)."""
    text, hash_, fragment = text.partition("#")
    path, mark, query = text.partition("?")
    return (
        path,
        quote(query, safe=_KEEP_QUERY) if mark else None,
        quote(fragment, safe=_KEEP_FRAGMENT) if hash_ else None,
    )


def _path(text: str, segments: list[str]) -> str:
    """Escape a path and resolve its dots, after the ``segments`` it is relative to."""
    text = quote(text.replace("\\", "/"), safe=_KEEP_PATH)
    parts = text.removeprefix("/").split("/")
    for number, part in enumerate(parts, 1):
        dots = part.lower()
        if dots in _TWO_DOTS and segments:
            segments.pop()
        if dots not in _ONE_DOT and dots not in _TWO_DOTS:
            segments.append(part)
        elif number == len(parts):
            segments.append("")
    return "/" + "/".join(segments)


def parse_host(text: str) -> tuple[str, Address | None]:
    """A host as rules, resolvers and headers take it, and its address where it is one.

    Args:
        text: a name in any script, an IPv4 address in any spelling, an IPv6 address in brackets.

    Raises:
        BadUrl: it is none of these.
    """
    if text.startswith("["):
        return _ipv6(text)
    name = unquote_to_bytes(text).decode("utf-8", "replace") if "%" in text else text
    name = _ascii(name)
    if not name or _FORBIDDEN_IN_NAME.search(name):
        raise BadUrl(f"Invalid URL: {text[:100]!r} is not a host")
    last = name.removesuffix(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        address = _ipv4(name)
        return str(address), address
    return name, None


def _ascii(name: str) -> str:
    """Lower case ASCII, each label on its own: IDNA would refuse the underscores DNS allows."""
    if name.isascii():
        return name.lower()
    try:
        name = idna.uts46_remap(name, std3_rules=False, transitional=False)
        return ".".join(
            label if label.isascii() else idna.alabel(label).decode("ascii") for label in name.split(".")
        )
    except UnicodeError as exc:
        raise BadUrl(f"Invalid URL: {name[:100]!r} is not a host name") from exc


def _ipv6(text: str) -> tuple[str, Address]:
    try:
        # A zone ("%eth0") names one of the host's own interfaces.
        if not text.endswith("]") or "%" in text:
            raise ValueError(text)
        address = IPv6Address(text[1:-1])
    except ValueError as exc:
        raise BadUrl(f"Invalid URL: {text[:100]!r} is not an IPv6 address") from exc
    return address.compressed, address


def _ipv4(name: str) -> IPv4Address:
    """An address of one to four numbers, each decimal, octal or hexadecimal; the last fills what is left."""
    parts = name.removesuffix(".").split(".")
    try:
        if len(parts) > 4 or len(name) > 100:
            raise ValueError(name)
        *head, last = map(_number, parts)
        if any(number > 255 for number in head) or last >= 256 ** (5 - len(parts)):
            raise ValueError(name)
    except ValueError as exc:
        raise BadUrl(f"Invalid URL: {name[:100]!r} is not an IPv4 address") from exc
    return IPv4Address(sum(number << 8 * (3 - place) for place, number in enumerate(head)) + last)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if text[:2] in {"0x", "0X"}:
        return int(text[2:] or "0", 16)
    return int(text, 8) if text[0] == "0" and len(text) > 1 else int(text)
