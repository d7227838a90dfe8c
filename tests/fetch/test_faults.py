"""Foreign exceptions and what functions are told of them."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest
import trio

from isthmus_fetch._faults import Fault, body_error, fault_of, request_error


def certificate(number: int, words: str = "") -> ssl.SSLCertVerificationError:
    exc = ssl.SSLCertVerificationError(1, "certificate verify failed")
    exc.verify_code, exc.verify_message = number, words
    return exc


@pytest.mark.parametrize(
    ("exc", "code", "reason"),
    [
        (OSError(errno.ECONNREFUSED, "x"), "ECONNREFUSED", "connect ECONNREFUSED 1.2.3.4:5"),
        (OSError(errno.EHOSTUNREACH, "x"), "EHOSTUNREACH", "connect EHOSTUNREACH 1.2.3.4:5"),
        (OSError(errno.ENETUNREACH, "x"), "ENETUNREACH", "connect ENETUNREACH 1.2.3.4:5"),
        (OSError(errno.ETIMEDOUT, "x"), "ETIMEDOUT", "connect ETIMEDOUT 1.2.3.4:5"),
        (OSError(errno.EMFILE, "x"), "EMFILE", "connect EMFILE 1.2.3.4:5"),
        (OSError("odd"), "EIO", "connect failed: odd"),
        (ValueError("odd"), "EIO", "connect failed: odd"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "ENOTFOUND", "connect ENOTFOUND 1.2.3.4:5"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "EAI_AGAIN", "connect EAI_AGAIN 1.2.3.4:5"),
        (socket.gaierror(-99, "x"), "ENOTFOUND", "connect ENOTFOUND 1.2.3.4:5"),
        (certificate(10), "CERT_HAS_EXPIRED", "certificate has expired"),
        (certificate(18), "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
        (certificate(19), "SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain"),
        (certificate(21), "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"),
        (
            certificate(62, "Hostname mismatch"),
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "Hostname/IP does not match certificate's altnames: Hostname mismatch",
        ),
        (certificate(99, "odd"), "ERR_TLS_CERT_INVALID", "odd"),
        (ssl.SSLError(1, "wrong version number"), "EPROTO", "connect EPROTO wrong version number"),
        (trio.BrokenResourceError("x"), "ECONNRESET", "socket hang up"),
        (trio.ClosedResourceError("x"), "ECONNRESET", "socket hang up"),
    ],
)
def test_nodes_codes_and_words(exc: Exception, code: str, reason: str) -> None:
    fault = fault_of(exc, "connect", "1.2.3.4:5")
    assert (fault.code, fault.reason, fault.unprocessed) == (code, reason, False)


def test_what_an_exception_was_raised_from_says_more() -> None:
    broken = trio.BrokenResourceError("socket connection broken")
    broken.__cause__ = OSError(errno.ECONNRESET, "reset")
    assert fault_of(broken, "read").reason == "read ECONNRESET"


def test_errors_have_node_fetchs_form() -> None:
    fault = Fault("ECONNREFUSED", "connect ECONNREFUSED 1.2.3.4:5")
    error = request_error("http://a.test/", fault)
    assert str(error) == "request to http://a.test/ failed, reason: connect ECONNREFUSED 1.2.3.4:5"
    assert (error.code, error.type) == ("ECONNREFUSED", "system")
    error = body_error("http://a.test/", Fault("ECONNRESET", "aborted"))
    assert str(error) == "Invalid response body while trying to fetch http://a.test/: aborted"
    assert (error.code, error.type) == ("ECONNRESET", "system")
