"""Real servers on loopback for tests, on Trio, and certificates for them.

Well-behaved ones run the ASGI application below under hypercorn; misbehaviour is
written by hand over sockets, h2 or TLS.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import ipaddress
import json
import ssl
import zlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, final

import h2.config
import h2.connection
import h2.events
import h2.settings
import hypercorn.trio
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypercorn.config import Config

Handler = Callable[[trio.abc.Stream], Awaitable[None]]


# ---------------------------------------------------------------- certificates


@final
class Authority:
    """A certificate authority of the test's own, with its files in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"test authority of {folder.name}")
        self._certificate = (
            _builder(name, name, self._key, days=(-1, 1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self._count = 0

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def client(self) -> ssl.SSLContext:
        """A context that trusts this authority and no other."""
        return ssl.create_default_context(cadata=self.pem.decode())

    def files(
        self, *names: str, days: tuple[int, int] = (-1, 1), self_signed: bool = False
    ) -> tuple[str, str]:
        """Paths of a certificate for hosts or addresses and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0])
        issuer = subject if self_signed else self._certificate.subject
        alternatives: list[x509.GeneralName] = []
        for name in names:
            try:
                alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                alternatives.append(x509.DNSName(name))
        certificate = (
            _builder(subject, issuer, key, days=days)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(key if self_signed else self._key, hashes.SHA256())
        )
        self._count += 1
        paths = self._folder / f"{self._count}.crt", self._folder / f"{self._count}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return str(paths[0]), str(paths[1])

    def server(self, *names: str, alpn: Sequence[str] = (), **kwargs: Any) -> ssl.SSLContext:
        """A server's context for hosts or addresses; further arguments as :meth:`files` takes them."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self.files(*names, **kwargs))
        context.set_alpn_protocols(list(alpn))
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
    )


# ---------------------------------------------------------------- a well-behaved server


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """What the path asks for.

    ``/echo`` answers with what came in, as JSON; ``/redirect/STATUS?to=URL`` redirects;
    ``/gzip`` and ``/deflate`` compress the body sent; ``/bomb?mib=N`` sends N MiB of zeros,
    compressed; ``/zeros?mib=N`` sends them as they are; ``/headers`` repeats a header;
    ``/status/N`` answers with that status and no body.
    """
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": f"{event['type']}.complete"})
    assert scope["type"] == "http"
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    _, kind, *rest = scope["path"].split("/")
    query = scope["query_string"].decode()
    status, headers, answer = 200, [], b""
    if kind == "echo":
        said = {
            "method": scope["method"],
            "path": scope["path"],
            "query": query,
            "version": scope["http_version"],
            "headers": [
                [name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]
            ],
            "body": body.decode("latin-1"),
            "client": scope["client"][1],
        }
        answer = json.dumps(said).encode()
    elif kind == "redirect":
        status, headers = int(rest[0]), [(b"location", query.partition("=")[2].encode())]
    elif kind == "status":
        status = int(rest[0])
    elif kind == "headers":
        headers = [(b"set-cookie", b"a=1"), (b"x-one", b"1"), (b"set-cookie", b"b=2")]
    elif kind == "gzip":
        headers, answer = [(b"content-encoding", b"gzip")], gzip.compress(body)
    elif kind == "deflate":
        headers, answer = [(b"content-encoding", b"deflate")], zlib.compress(body)
    elif kind in {"bomb", "zeros"}:
        answer = bytes(int(query.partition("=")[2]) << 20)
        if kind == "bomb":
            headers, answer = [(b"content-encoding", b"gzip")], gzip.compress(answer)
    headers.append((b"content-length", str(len(answer)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def serve_app(nursery: trio.Nursery, *, files: tuple[str, str] | None = None) -> int:
    """Run :func:`app` until the nursery is cancelled, under TLS where there are files; the port."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    if files is not None:
        config.certfile, config.keyfile = files
    binds: list[str] = await nursery.start(
        lambda task_status: hypercorn.trio.serve(
            app,  # type: ignore[arg-type]
            config,
            shutdown_trigger=trio.sleep_forever,
            task_status=task_status,
        )
    )
    return int(binds[0].rpartition(":")[2])


# ---------------------------------------------------------------- misbehaviour


async def serve(nursery: trio.Nursery, handler: Handler, context: ssl.SSLContext | None = None) -> int:
    """Hand each connection to ``handler`` until the nursery is cancelled; the port."""

    async def guarded(stream: trio.abc.Stream) -> None:
        try:
            await handler(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client has gone, as clients do
        finally:
            await trio.aclose_forcefully(stream)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    served: list[Any] = list(listeners)
    if context is not None:
        served = [trio.SSLListener(listener, context, https_compatible=True) for listener in listeners]
    nursery.start_soon(trio.serve_listeners, guarded, served)
    return int(listeners[0].socket.getsockname()[1])


async def read_head(stream: trio.abc.Stream) -> bytes:
    """A request's head, with whatever came behind it; nothing where the client hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = await stream.receive_some()
        if not more:
            return b""
        data += more
    return data


def saying(answer: bytes, *, times: int = 1) -> Handler:
    """A server that says the same to every request, whatever it was, and hangs up after so many."""

    async def handler(stream: trio.abc.Stream) -> None:
        for _ in range(times):
            if not await read_head(stream):
                return
            await stream.send_all(answer)

    return handler


def reset(stream: trio.abc.Stream) -> None:
    """Close a connection with a reset instead of an end."""
    assert isinstance(stream, trio.SocketStream)
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, linger)
    stream.socket.close()


# ---------------------------------------------------------------- a proxy


@final
class Proxy:
    """A real proxy that knows CONNECT, absolute targets and SOCKS 5, and notes what it was asked.

    Args:
        hosts: what the names it is asked for resolve to, as only it knows.
        credentials: ``user:password`` it insists on, or None.
    """

    def __init__(self, hosts: dict[str, str] | None = None, credentials: str | None = None) -> None:
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self._hosts = hosts or {}
        self._credentials = credentials

    async def __call__(self, stream: trio.abc.Stream) -> None:
        first = await stream.receive_some(1)
        if first == b"\x05":
            await self._socks(stream)
        elif first:
            await self._http(stream, bytes(first) + await read_head(stream))

    async def _http(self, stream: trio.abc.Stream, head: bytes) -> None:
        while head:
            self.heads.append(head)
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self.asked.append(f"{method} {target}")
            if self._credentials is not None:
                basic = b"Basic " + base64.b64encode(self._credentials.encode())
                if b"Proxy-Authorization: " + basic not in head:
                    await stream.send_all(
                        b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
                    )
                    return
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                upstream = await trio.open_tcp_stream(self._hosts.get(host, host), int(port))
                await stream.send_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _pump(stream, upstream)
                return
            host, _, port = target.split("/")[2].partition(":")
            path = "/" + target.split("/", 3)[3]
            async with await trio.open_tcp_stream(self._hosts.get(host, host), int(port or 80)) as upstream:
                head = head.replace(target.encode(), path.encode(), 1)
                await upstream.send_all(head.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
                answer = b""
                async for data in upstream:
                    answer += data
            await stream.send_all(answer.replace(b"connection: close\r\n", b"", 1))
            head = await read_head(stream)

    async def _socks(self, stream: trio.abc.Stream) -> None:
        methods = await stream.receive_some(2)
        if self._credentials is not None:
            assert methods == b"\x01\x02"
            await stream.send_all(b"\x05\x02")
            user, _, password = self._credentials.encode().partition(b":")
            wanted = b"\x01" + bytes((len(user),)) + user + bytes((len(password),)) + password
            right = await stream.receive_some() == wanted
            await stream.send_all(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        else:
            await stream.send_all(b"\x05\x00")
        request = bytes(await stream.receive_some())
        if request[3] == 3:
            host = request[5 : 5 + request[4]].decode()
        else:
            host = str(ipaddress.ip_address(request[4:-2]))
        port = int.from_bytes(request[-2:], "big")
        self.asked.append(f"SOCKS {host}:{port}")
        try:
            upstream = await trio.open_tcp_stream(self._hosts.get(host, host), port)
        except OSError:
            await stream.send_all(b"\x05\x05\x00\x01" + bytes(6))
            return
        await stream.send_all(b"\x05\x00\x00\x01" + bytes(6))
        await _pump(stream, upstream)


async def _pump(one: trio.abc.Stream, other: trio.abc.Stream) -> None:
    async def copy(source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
        try:
            while data := await source.receive_some():
                await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        nursery.cancel_scope.cancel()

    async with one, other, trio.open_nursery() as nursery:
        nursery.start_soon(copy, one, other)
        nursery.start_soon(copy, other, one)


# ---------------------------------------------------------------- HTTP/2 by hand


@final
class H2Session:
    """The server's side of one HTTP/2 connection, driven by a test.

    Args:
        stream: under TLS, HTTP/2 agreed on.
        settings: the server's own, by :class:`h2.settings.SettingCodes`.
    """

    def __init__(self, stream: trio.abc.Stream, settings: dict[Any, int] | None = None) -> None:
        self.stream = stream
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=settings or {})
        self.h2.initiate_connection()
        self._events: list[h2.events.Event] = []

    async def flush(self) -> None:
        await self.stream.send_all(self.h2.data_to_send())

    async def event(self) -> h2.events.Event | None:
        """What came next; None where the client hung up."""
        await self.flush()
        while not self._events:
            data = await self.stream.receive_some()
            if not data:
                return None
            self._events += self.h2.receive_data(data)
            await self.flush()
        return self._events.pop(0)

    async def request(self) -> int | None:
        """The number of the next stream whose request is complete."""
        while event := await self.event():
            if isinstance(event, h2.events.StreamEnded):
                return event.stream_id
        return None

    async def answer(self, number: int, body: bytes = b"ok", status: int = 200) -> None:
        self.h2.send_headers(number, [(":status", str(status))])
        self.h2.send_data(number, body, end_stream=True)
        await self.flush()

    async def goaway(self, last: int, code: int = 0) -> None:
        """Retire the connection without closing it, which h2 cannot say."""
        body = last.to_bytes(4, "big") + code.to_bytes(4, "big")
        await self.stream.send_all(len(body).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + body)
