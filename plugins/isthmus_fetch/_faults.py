"""Why a request failed, and what a function is told of it.

Inside this package what goes wrong is a :class:`Fault`: Node's code and Node's words.
Foreign exceptions become one at the edge, by the tables here; a
:class:`isthmus.errors.FetchError` in node-fetch's form is made of it in one place.

=================  =====================================================================
type               codes
=================  =====================================================================
system             what Node calls it: ECONNREFUSED, ECONNRESET, ENOTFOUND, EAI_AGAIN,
                   ETIMEDOUT, EHOSTUNREACH, EPROTO, Z_DATA_ERROR, HPE_..., certificate
                   codes such as CERT_HAS_EXPIRED, ERR_HTTP2_..., ERR_PROXY_TUNNEL;
                   and EACCES: the egress rules forbid it
max-redirect       none; twenty redirects, and one more
no-redirect        none; redirect was "error"
invalid-redirect   none; a Location that is no URL
max-size           none; the body is larger than the limit
invalid-url        ERR_INVALID_URL
invalid-request    ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, ERR_INVALID_ARG_VALUE
=================  =====================================================================
"""

from __future__ import annotations

import errno
import socket
import ssl
from typing import TYPE_CHECKING, final

import trio

from isthmus.errors import FetchError

if TYPE_CHECKING:
    from .egress import Proxy

__all__ = ["LOST", "Fault", "body_error", "exchange_fault", "fault_of", "request_error", "tunnel_fault"]

LOST = frozenset({"ECONNRESET", "EPIPE", "ECONNABORTED"})
"""Codes of a connection that is no more."""


@final
class Fault(Exception):
    """Something failed on the way.

    Attributes:
        code: Node's name for it.
        reason: Node's words for it, or ours where Node has none.
        unprocessed: the server certainly did not act on the request, so that it may be sent again.
    """

    def __init__(self, code: str, reason: str, *, unprocessed: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.unprocessed = unprocessed


def request_error(url: object, fault: Fault) -> FetchError:
    """No response came."""
    return FetchError(f"request to {url} failed, reason: {fault.reason}", code=fault.code)


def body_error(url: object, fault: Fault) -> FetchError:
    """A response came, and not the whole of its body."""
    return FetchError(f"Invalid response body while trying to fetch {url}: {fault.reason}", code=fault.code)


# Python's resolver knows more ways to fail than Node passes on.
_RESOLVER = {
    getattr(socket, name): code
    for name, code in (
        ("EAI_NONAME", "ENOTFOUND"),
        ("EAI_NODATA", "ENOTFOUND"),
        ("EAI_ADDRFAMILY", "ENOTFOUND"),
        ("EAI_AGAIN", "EAI_AGAIN"),
        ("EAI_FAIL", "EAI_FAIL"),
        ("EAI_MEMORY", "EAI_MEMORY"),
    )
    if hasattr(socket, name)
}

# OpenSSL's X509_V_ERR_... by number, as Node spells and words them.
_CERTIFICATE = {
    7: ("CERT_SIGNATURE_FAILURE", "certificate signature failure"),
    9: ("CERT_NOT_YET_VALID", "certificate is not yet valid"),
    10: ("CERT_HAS_EXPIRED", "certificate has expired"),
    18: ("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
    19: ("SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain"),
    20: ("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unable to get local issuer certificate"),
    21: ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"),
    22: ("CERT_CHAIN_TOO_LONG", "certificate chain too long"),
    23: ("CERT_REVOKED", "certificate revoked"),
    24: ("INVALID_CA", "invalid CA certificate"),
    26: ("INVALID_PURPOSE", "unsuitable certificate purpose"),
    27: ("CERT_UNTRUSTED", "certificate not trusted"),
    28: ("CERT_REJECTED", "certificate rejected"),
    62: ("ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames"),
    64: ("ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames"),
}


def fault_of(exc: BaseException, doing: str, target: str = "") -> Fault:
    """What a foreign exception comes to.

    Args:
        exc: what trio, ssl or the socket raised; what it was raised from is looked at as well.
        doing: Node's name of the step: ``connect``, ``read``, ``write``, ``getaddrinfo``.
        target: the address or host it was about.
    """
    cause: BaseException | None = exc
    while cause is not None:
        if fault := _known(cause, doing, target):
            return fault
        cause = cause.__cause__
    if isinstance(exc, trio.BrokenResourceError | trio.ClosedResourceError):
        return Fault("ECONNRESET", "socket hang up")
    return Fault("EIO", " ".join(filter(None, (doing, "failed:", str(exc) or type(exc).__name__))))


def _known(exc: BaseException, doing: str, target: str) -> Fault | None:
    if isinstance(exc, socket.gaierror):
        code = _RESOLVER.get(exc.errno or 0, "ENOTFOUND")
        return Fault(code, f"{doing} {code} {target}".rstrip())
    if isinstance(exc, ssl.SSLCertVerificationError):
        code, words = _CERTIFICATE.get(exc.verify_code, ("ERR_TLS_CERT_INVALID", exc.verify_message))
        return Fault(code, f"{words}: {exc.verify_message}" if exc.verify_code in {62, 64} else words)
    if isinstance(exc, ssl.SSLEOFError):
        return Fault(
            "ECONNRESET", "Client network socket disconnected before secure TLS connection was established"
        )
    if isinstance(exc, ssl.SSLError):
        return Fault("EPROTO", f"{doing} EPROTO {getattr(exc, 'reason', None) or exc.strerror or exc}")
    if isinstance(exc, OSError) and exc.errno is not None and exc.errno in errno.errorcode:
        code = errno.errorcode[exc.errno]
        return Fault(code, f"{doing} {code} {target}".rstrip())
    return None


def exchange_fault(exc: Exception, *, ended: bool) -> Fault:
    """What httpcore, or what it stands on, raised once there was a connection.

    Args:
        exc: as httpcore raised it; its first argument is what it was made of.
        ended: the server has hung up, so that whatever is missing is so for that.
    """
    # Here, as only a process that has fetched has them.
    import h2.events
    import h2.exceptions
    import httpcore

    cause = exc.args[0] if exc.args else None
    if isinstance(exc, Fault):
        return exc
    if isinstance(cause, Fault):
        return Fault(cause.code, cause.reason)
    if isinstance(cause, h2.events.StreamReset):
        code = getattr(cause.error_code, "name", cause.error_code)
        return Fault(
            "ERR_HTTP2_STREAM_ERROR",
            f"Stream closed with error code NGHTTP2_{code}",
            unprocessed=code == "REFUSED_STREAM",
        )
    if isinstance(cause, h2.exceptions.TooManyStreamsError):
        return Fault("ECONNRESET", "socket hang up", unprocessed=True)
    if isinstance(exc, httpcore.RemoteProtocolError) and ended:
        return Fault("ECONNRESET", "socket hang up")
    if isinstance(exc, h2.exceptions.ProtocolError) or isinstance(cause, h2.exceptions.ProtocolError):
        return Fault("ERR_HTTP2_SESSION_ERROR", f"the server breaks HTTP/2: {exc}")
    if isinstance(exc, httpcore.RemoteProtocolError):
        if getattr(cause, "error_status_hint", 0) == 431:
            return Fault("HPE_HEADER_OVERFLOW", "Parse Error: Header overflow")
        return Fault("HPE_INVALID_CONSTANT", f"Parse Error: {exc}")
    if isinstance(exc, ValueError):  # httpcore reads ":status" as a number before it looks at it
        return Fault("ERR_HTTP2_PROTOCOL_ERROR", "the response's headers are malformed")
    return fault_of(exc, "read")


def tunnel_fault(exc: Exception, proxy: Proxy, *, ended: bool) -> Fault:
    """What httpcore raised while a proxy was asked for a way, or TLS on it."""
    import httpcore  # here, as above

    if isinstance(exc, Fault) and not exc.code.startswith("HPE_"):
        return exc
    if isinstance(exc, httpcore.ProxyError):
        why = str(exc)[:100]
    elif ended:
        why = "it closed the connection"
    else:
        why = f"its answer is not {'HTTP' if proxy.scheme == 'http' else 'SOCKS 5'}"
    return Fault("ERR_PROXY_TUNNEL", f"the proxy {proxy.host}:{proxy.port} opens no way: {why}")
