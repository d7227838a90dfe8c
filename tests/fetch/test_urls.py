"""URLs read as browsers read them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, strategies as st
from tests.fetch.spellings import spelled

from isthmus_fetch._addresses import plain
from isthmus_fetch._urls import BadUrl, parse_host, parse_url

BASE = parse_url("http://user:pw@example.com:8080/a/b/c?q#f")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("http://example.com", "http://example.com/"),
        ("  HTTP://EXAMPLE.com:80/A%20b?x=1#y \n", "http://example.com/A%20b?x=1#y"),
        ("https:\\\\example.com\\a\\b?c\\d", "https://example.com/a/b?c\\d"),
        ("http:///example.com", "http://example.com/"),
        ("http:example.com/a", "http://example.com/a"),
        ("ht\ntp://exa\tmple.com/a\rb", "http://example.com/ab"),
        ("http://example.com/a/./b/../c/%2e%2E/d/..", "http://example.com/a/"),
        ("http://example.com/../../a/.", "http://example.com/a/"),
        (
            'http://example.com/ä b"<>`{}|?ä b"<>\'`{}|#ä b"<>`',
            "http://example.com/%C3%A4%20b%22%3C%3E%60%7B%7D|?%C3%A4%20b%22%3C%3E%27`{}|#%C3%A4%20b%22%3C%3E%60",
        ),
        ("http://example.com/\ud800", "http://example.com/%EF%BF%BD"),
        ("http://user:pass@word@example.com/", "http://example.com/"),
        ("http://example.com?q", "http://example.com/?q"),
        ("http://example.com#", "http://example.com/#"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com:00443/", "http://example.com:443/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://Faß.de/", "https://xn--fa-hia.de/"),
        ("http://a_b.example/", "http://a_b.example/"),
        ("http://[2001:DB8:0::1]:81/", "http://[2001:db8::1]:81/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://0/", "http://0.0.0.0/"),
        ("http://1.2.3.4./", "http://1.2.3.4/"),
        ("http://1.2.3.4.example/", "http://1.2.3.4.example/"),
    ],
)
def test_absolute_urls(text: str, read: str) -> None:
    assert str(parse_url(text)) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("d", "http://example.com:8080/a/b/d"),
        ("../d?x", "http://example.com:8080/a/d?x"),
        ("/d/../e", "http://example.com:8080/e"),
        ("\\d", "http://example.com:8080/d"),
        ("?x", "http://example.com:8080/a/b/c?x"),
        ("#x", "http://example.com:8080/a/b/c?q#x"),
        ("", "http://example.com:8080/a/b/c?q"),
        ("//other.example/x", "http://other.example/x"),
        ("/\\other.example/x", "http://other.example/x"),
        ("http:d", "http://example.com:8080/a/b/d"),
        ("https://other.example", "https://other.example/"),
    ],
)
def test_relative_urls(text: str, read: str) -> None:
    assert str(parse_url(text, BASE)) == read


def test_credentials_are_read_and_never_shown() -> None:
    url = parse_url("http://us%20er:p%3Aw@example.com/")
    assert url.credentials == b"us er:p:w"
    assert str(url) == "http://example.com/"
    assert parse_url("../x", BASE).credentials == b"user:pw"
    assert parse_url("//example.com:8080/x", BASE).credentials is None
    assert parse_url("http://example.com/").credentials is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("/a", "Only absolute URLs are supported"),
        ("example.com/a", "Only absolute URLs are supported"),
        ("", "Only absolute URLs are supported"),
        ("http://", "Only absolute URLs are supported"),
        ("http://user@/", "Only absolute URLs are supported"),
        ("http://:80/", "Only absolute URLs are supported"),
        ("ftp://example.com/", "Only HTTP(S) protocols are supported"),
        ("file:///etc/passwd", "Only HTTP(S) protocols are supported"),
        ("data:text/plain,x", "Only HTTP(S) protocols are supported"),
        ("localhost:8080/", "Only HTTP(S) protocols are supported"),
        ("http+unix://socket/", "Only HTTP(S) protocols are supported"),
        ("http://example.com:65536/", "not a port"),
        ("http://example.com:8o/", "not a port"),
        ("http://example.com:\u0661/", "not a port"),
        ("http://exa mple.com/", "not a host"),
        ("http://a%2fb/", "not a host"),
        ("http://a%00b/", "not a host"),
        ("http://\u00ad/", "not a host"),
        ("http://xn--\u00e9/", "not a host name"),
        ("http://1.2.3.4.5/", "not an IPv4 address"),
        ("http://256.1.1.1/", "not an IPv4 address"),
        ("http://1.2.3.08/", "not an IPv4 address"),
        ("http://example.0x/", "not an IPv4 address"),
        ("http://4294967296/", "not an IPv4 address"),
        ("http://[::1/", "not an IPv6 address"),
        ("http://[::1%25eth0]/", "not an IPv6 address"),
        ("http://[1.2.3.4]/", "not an IPv6 address"),
    ],
)
def test_what_cannot_be_fetched_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(BadUrl) as caught:
        parse_url(text)
    assert why in str(caught.value)


@given(spelled(st.integers(0, 2**32 - 1).map(IPv4Address)))
def test_every_spelling_of_an_address_is_read_as_that_address(case: tuple[IPv4Address, str]) -> None:
    address, text = case
    read = parse_url(f"http://{text}:81/").address
    assert read is not None
    assert plain(read) == address


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_ipv6_round_trip(address: IPv6Address) -> None:
    url = parse_url(f"http://[{address.exploded.upper()}]/")
    assert url.address == address
    assert parse_url(str(url)) == url


urls = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["example.com", "a.b:8080", "[::1]", "[::1]:443", "127.1", "xn--bcher-kva.example:80"]),
    st.sampled_from(["", "/"]),
    st.text(max_size=30),
)


@given(urls)
def test_what_is_shown_is_read_as_the_same(text: str) -> None:
    try:
        url = parse_url(text)
    except BadUrl:
        return  # the text happened to go on with the authority
    assert parse_url(str(url)) == parse_url(str(parse_url(str(url))))
    assert str(parse_url(str(url))) == str(url)
    assert str(url).isascii()
    assert not set(url.target) & set("\r\n\t #")


@given(urls, st.text(max_size=30))
def test_a_relative_reference_leaves_the_origin_or_names_another(base: str, text: str) -> None:
    try:
        origin = parse_url(base)
        read = parse_url(text, origin)
    except BadUrl:
        return
    if not any(mark in text for mark in "/\\:"):
        assert read.origin == origin.origin
    assert parse_url(str(read)).origin == read.origin


@given(st.text(max_size=40))
def test_a_host_is_ascii_or_refused(text: str) -> None:
    try:
        host, address = parse_host(text)
    except BadUrl:
        return
    assert host.isascii()
    assert host == host.lower()
    assert address is not None or not set(host) & set("\x00\r\n\t /\\?#@:<>[]^|%")
