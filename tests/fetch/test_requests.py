"""Requests as they go out, and what redirects make of them."""

from __future__ import annotations

import h2.connection
import h11
import pytest
from hypothesis import given, settings, strategies as st

from isthmus.abc import FetchRequest
from isthmus.errors import FetchError
from isthmus_fetch._requests import Head, head_of, redirected, url_of


def head(**fields: object) -> Head:
    request = FetchRequest(**{"url": "http://a.test/p?q", **fields})  # type: ignore[arg-type]
    return head_of(request, url_of(request), agent="isthmus/1", encodings="gzip, deflate")


DEFAULTS = (
    ("accept", "*/*"),
    ("user-agent", "isthmus/1"),
    ("accept-encoding", "gzip, deflate"),
)


def test_a_bare_request_is_completed_as_node_fetch_does() -> None:
    assert head() == Head(method="GET", target="/p?q", headers=(("host", "a.test"), *DEFAULTS))


def test_what_the_function_gives_stays_in_its_order_and_case() -> None:
    given_ = (("X-B", " 1\t"), ("User-Agent", "mine"), ("x-a", ""), ("X-B", "2"), ("ACCEPT", "text/plain"))
    assert head(headers=given_).headers == (
        ("host", "a.test"),
        ("X-B", "1"),
        ("User-Agent", "mine"),
        ("x-a", ""),
        ("X-B", "2"),
        ("ACCEPT", "text/plain"),
        ("accept-encoding", "gzip, deflate"),
    )


def test_the_function_may_name_another_host_but_one_only() -> None:
    assert head(headers=(("X", "1"), ("Host", "b.test"))).headers[:2] == (("Host", "b.test"), ("X", "1"))
    with pytest.raises(FetchError, match="one Host header"):
        head(headers=(("Host", "b.test"), ("host", "c.test")))


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("GET", None, None),
        ("POST", None, "0"),
        ("PUT", None, "0"),
        ("PATCH", None, None),
        ("POST", b"", "0"),
        ("DELETE", b"abc", "3"),
    ],
)
def test_the_length_is_the_bodys_own(method: str, body: bytes | None, length: str | None) -> None:
    wrong = (("Content-Length", "99"), ("transfer-encoding", "chunked"))
    headers = dict(head(method=method, body=body, headers=wrong).headers)
    assert headers.get("content-length") == length
    assert "Content-Length" not in headers
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Proxy-Authorization",
        "Proxy-Connection",
    ],
)
def test_what_belongs_to_the_connection_is_dropped(name: str) -> None:
    assert head(headers=((name, "x"),)) == head()


def test_credentials_of_the_url_become_a_header_unless_there_is_one() -> None:
    url = "http://us%3Aer:p%C3%A4ss@a.test/p?q"
    assert head(url=url).headers[-1] == ("authorization", "Basic dXM6ZXI6cMOkc3M=")
    assert head(url=url, headers=(("Authorization", "mine"),)).headers[1] == ("Authorization", "mine")
    assert head(url=url).target == "/p?q"


@given(st.text(min_size=1, max_size=12), st.text(max_size=20))
def test_no_header_leaves_that_could_be_read_as_anything_else(name: str, value: str) -> None:
    try:
        lines = head(headers=((name, value),)).headers
    except FetchError:
        return
    text = "\r\n".join(f"{key}: {entry}" for key, entry in lines)
    assert len(text.encode("latin-1").splitlines()) == len(lines)
    assert not set(text) & set("\0\x0b\x0c\x1c\x1d\x1e\x7f")


@settings(deadline=None)  # the first example builds h2's tables, which takes its time on a busy machine
@given(
    st.lists(
        st.tuples(st.sampled_from(["X", "Host", "Cookie", "x-%", "Expect"]), st.text(max_size=9)), max_size=4
    ),
    st.text(max_size=20),
    st.sampled_from(["GET", "PATCH", "patch", "M-SEARCH", "!"]),
)
def test_what_leaves_is_what_the_protocols_can_carry(
    headers: list[tuple[str, str]], path: str, method: str
) -> None:
    try:
        made = head(headers=tuple(headers), url=f"http://a.test/{path}", method=method)
    except FetchError:
        return
    encoded = [(name.encode("ascii"), value.encode("latin-1")) for name, value in made.headers]
    # Both raise where they are given what they cannot send.
    h11.Request(method=made.method, target=made.target, headers=encoded)
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    (_, authority), *rest = encoded
    pseudo = [(b":method", made.method.encode()), (b":authority", authority), (b":scheme", b"https")]
    pseudo.append((b":path", made.target.encode("ascii")))
    connection.send_headers(1, [*pseudo, *((name.lower(), value) for name, value in rest)])


@pytest.mark.parametrize(
    ("headers", "code", "hint"),
    [
        ((("X\r\nEvil", "1"),), "ERR_INVALID_HTTP_TOKEN", "'X\\r\\nEvil' is not a legal HTTP header name"),
        ((("X Y", "1"),), "ERR_INVALID_HTTP_TOKEN", "not a legal HTTP header name"),
        ((("", "1"),), "ERR_INVALID_HTTP_TOKEN", "not a legal HTTP header name"),
        ((("X:", "1"),), "ERR_INVALID_HTTP_TOKEN", "not a legal HTTP header name"),
        ((("X", "secret\r\nEvil: 1"),), "ERR_INVALID_CHAR", "the header 'X'"),
        ((("X", "secret\n"),), "ERR_INVALID_CHAR", "the header 'X'"),
        ((("X", "secret\0"),), "ERR_INVALID_CHAR", "the header 'X'"),
        ((("X", "secret\u2028"),), "ERR_INVALID_CHAR", "the header 'X'"),
    ],
)
def test_header_injection_is_refused_without_repeating_values(
    headers: tuple[tuple[str, str], ...], code: str, hint: str
) -> None:
    with pytest.raises(FetchError) as caught:
        head(headers=headers)
    assert caught.value.code == code
    assert hint in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "method", ["CONNECT", "TRACE", "TRACK", "connect", "", "GET /x", "GET\r\nX: 1", "GÉT"]
)
def test_methods_that_would_be_something_else_are_refused(method: str) -> None:
    with pytest.raises(FetchError) as caught:
        head(method=method)
    assert (caught.value.code, caught.value.type) == ("ERR_INVALID_ARG_VALUE", "invalid-request")


@pytest.mark.parametrize("url", ["/relative", "ftp://a.test/", "http://a b/"])
def test_a_bad_url_says_why(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        url_of(FetchRequest(url=url))
    assert (caught.value.code, caught.value.type) == ("ERR_INVALID_URL", "invalid-url")


# ---------------------------------------------------------------- redirects


def follow(
    status: int, location: str | None, **fields: object
) -> tuple[FetchRequest, str, bytes | None] | None:
    """The next request, its URL in full, and its credentials; None where there is none."""
    request = FetchRequest(**{"url": "http://a.test/p/q?x#frag", **fields})  # type: ignore[arg-type]
    headers = () if location is None else (("Location", location),)
    following = redirected(request, url_of(request), status, headers)
    if following is None:
        return None
    return following[0], str(following[1]), following[1].credentials


# The Fetch standard's table: which methods a status turns into GET.
TO_GET = {
    301: {"POST"},
    302: {"POST"},
    303: {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"},
    307: set(),
    308: set(),
}


@given(
    st.sampled_from([200, 300, 301, 302, 303, 304, 305, 306, 307, 308, 400]),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    st.one_of(st.none(), st.binary(max_size=4)),
)
def test_the_method_table(status: int, method: str, body: bytes | None) -> None:
    sent = (
        ("Content-Type", "text/plain"),
        ("Content-Encoding", "x"),
        ("X-Mine", "1"),
        ("Authorization", "s"),
    )
    following = follow(status, "next", method=method, body=body, headers=sent)
    if status not in TO_GET:
        assert following is None
        return
    assert following is not None
    request, url, _ = following
    assert url == "http://a.test/p/next#frag"
    if method in TO_GET[status]:
        assert (request.method, request.body) == ("GET", None)
        assert request.headers == (("X-Mine", "1"), ("Authorization", "s"))
    else:
        assert (request.method, request.body, request.headers) == (method, body, sent)


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("/x", True),
        ("http://a.test:80/x", True),
        ("http://A.TEST/x", True),
        ("//a.test/x", True),
        ("https://a.test/x", False),
        ("http://a.test:81/x", False),
        ("http://sub.a.test/x", False),
        ("http://b.test/x", False),
        ("\\\\b.test/x", False),
    ],
)
def test_secrets_stay_with_their_origin(location: str, kept: bool) -> None:
    secrets = (("Authorization", "s"), ("cookie", "s"), ("COOKIE2", "s"), ("Host", "a.test"))
    following = follow(307, location, headers=(*secrets, ("X-Mine", "1")))
    assert following is not None
    assert following[0].headers == ((*secrets, ("X-Mine", "1")) if kept else (("X-Mine", "1"),))


def test_credentials_of_a_url_stay_with_its_origin() -> None:
    url = "http://u:p@a.test/"
    for location, credentials in (("/x", b"u:p"), ("http://b.test/", None), ("http://v:w@b.test/", b"v:w")):
        following = follow(302, location, url=url)
        assert following is not None
        assert following[2] == credentials


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("#new", "http://a.test/p/q?x#new"),
        ("?y", "http://a.test/p/q?y#frag"),
        ("/\u00c3\u00a4", "http://a.test/%C3%A4#frag"),  # UTF-8, as headers are read
        ("/\u00e4", "http://a.test/%C3%A4#frag"),  # Latin-1
    ],
)
def test_where_a_location_leads(location: str, url: str) -> None:
    following = follow(302, location)
    assert following is not None
    assert following[1] == url


def test_a_redirect_without_location_is_the_answer() -> None:
    assert follow(302, None) is None


def test_manual_hands_back_and_error_fails() -> None:
    assert follow(302, "/x", redirect="manual") is None
    with pytest.raises(FetchError) as caught:
        follow(302, "/x", redirect="error")
    assert caught.value.type == "no-redirect"
    assert str(caught.value) == (
        "uri requested responds with a redirect, redirect mode is set to error: http://a.test/p/q?x#frag"
    )


@pytest.mark.parametrize("location", ["ftp://a.test/", "file:///etc/passwd", "http://a b/", "javascript:1"])
def test_a_location_that_cannot_be_fetched(location: str) -> None:
    with pytest.raises(FetchError) as caught:
        follow(302, location)
    assert caught.value.type == "invalid-redirect"
    assert repr(location) in str(caught.value)
