"""The egress rules as values: what each entry takes, who wins, what is malformed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, strategies as st
from tests.fetch.spellings import spelled

from isthmus.abc import Egress
from isthmus.errors import EngineError
from isthmus_fetch import check_egress
from isthmus_fetch._addresses import Address, special
from isthmus_fetch._urls import parse_host
from isthmus_fetch.egress import Rules, rules_of

PUBLIC = IPv4Address("93.184.216.34")


def verdict(egress: Egress, host: str, address: str | Address = PUBLIC, port: int = 443) -> str:
    """Both questions, as a request puts them; the reason for a refusal or ""."""
    rules = Rules(egress)
    return rules.refuse_name(host, port) or rules.refuse_address(host, ip_address(address), port)


@pytest.mark.parametrize(
    ("entry", "host", "port", "taken"),
    [
        ("api.example.com", "api.example.com", 443, True),
        ("API.Example.COM.", "api.example.com", 443, True),
        ("api.example.com", "api.example.com.", 443, True),
        ("api.example.com", "xapi.example.com", 443, False),
        ("api.example.com", "api.example.com.evil.test", 443, False),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "badexample.com", 443, False),
        ("*.example.com.", "a.example.com.", 443, True),
        ("*.bücher.example", "a.xn--bcher-kva.example", 443, True),
        ("bücher.example", "xn--bcher-kva.example", 443, True),
        ("a_b.example", "a_b.example", 443, True),
        ("api.example.com:443", "api.example.com", 443, True),
        ("api.example.com:443", "api.example.com", 80, False),
        ("*.example.com:8443", "a.example.com", 8443, True),
        ("*.example.com:8443", "a.example.com", 443, False),
        ("*:443", "anything.test", 443, True),
        ("*:443", "anything.test", 80, False),
        ("*", "anything.test", 80, True),
        ("93.184.216.34", "anything.test", 80, True),
        ("93.184.216.34:443", "anything.test", 80, False),
        ("93.184.0.0/16", "93.184.216.34", 80, True),
        ("93.184.0.0/16:80", "93.184.216.34", 80, True),
        ("93.184.0.0/16:80", "93.184.216.34", 81, False),
        ("0x5d.0xb8.55330", "93.184.216.34", 80, True),
        ("::ffff:93.184.216.34", "anything.test", 80, True),
        ("::ffff:93.184.0.0/112", "anything.test", 80, True),
        ("[::ffff:93.184.0.0/112]:80", "anything.test", 80, True),
        ("93.185.0.0/16", "93.184.216.34", 80, False),
    ],
)
def test_what_an_entry_takes(entry: str, host: str, port: int, taken: bool) -> None:
    assert bool(verdict(Egress(deny=(entry,)), host, port=port)) == taken
    assert (verdict(Egress(allow=(entry,)), host, port=port) == "") == taken


@pytest.mark.parametrize(
    ("entry", "address", "port", "taken"),
    [
        ("2606:4700::/32", "2606:4700::1", 443, True),
        ("2606:4700::1", "2606:4700::1", 443, True),
        ("[2606:4700::1]", "2606:4700::1", 443, True),
        ("[2606:4700::1]:443", "2606:4700::1", 443, True),
        ("[2606:4700::1]:443", "2606:4700::1", 80, False),
        ("[2606:4700::/32]:443", "2606:4700::2", 443, True),
        ("2606:4700::/32", "2606:4701::1", 443, False),
    ],
)
def test_ipv6_entries(entry: str, address: str, port: int, taken: bool) -> None:
    assert bool(verdict(Egress(deny=(entry,)), "a.test", address, port)) == taken
    assert (verdict(Egress(allow=(entry,)), "a.test", address, port) == "") == taken


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("", "not a host"),
        ("https://example.com", "a scheme has no place"),
        ("example.com/path", "not a host"),
        ("exa mple.com", "not a host"),
        ("a.*.example.com", "a star stands for whole labels"),
        ("*example.com", "a star stands for whole labels"),
        ("*.", "not a host"),
        (".", "a star stands for whole labels"),
        ("*.1.2.3.4", "no subdomains"),
        ("example.com:0", "not a port"),
        ("example.com:http", "not a port"),
        ("example.com:65536", "not a port"),
        ("10.0.0.1/8", "host bits set"),
        ("10.0.0.0/33", "33"),
        ("example/8", "not a host"),
        ("fe80::1%eth0", "not a port"),
        ("[::1", "not"),
        ("300.1.1.1", "not an IPv4 address"),
    ],
)
@pytest.mark.parametrize("field", ["allow", "deny"])
def test_a_malformed_entry_is_named(field: str, entry: str, hint: str) -> None:
    entries = ("fine.example", entry)
    egress = Egress(allow=entries) if field == "allow" else Egress(deny=entries)
    with pytest.raises(EngineError) as caught:
        check_egress(egress)
    assert f"Egress.{field} holds {entry!r}" in str(caught.value)
    assert hint in str(caught.value)
    with pytest.raises(EngineError):
        rules_of(egress)


@pytest.mark.parametrize("entries", ["api.example.com", ["api.example.com"], (1,), None])
def test_what_is_no_tuple_of_strings_is_refused(entries: object) -> None:
    with pytest.raises(EngineError, match=r"Egress\.allow takes a tuple of strings"):
        rules_of(Egress(allow=entries))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "proxy",
    [
        "",
        "proxy:8080",
        "ftp://proxy",
        "http://",
        "https://proxy",
        "http://u:secret@proxy/path",
        "http://proxy?x",
        "http://u:secret@a b",
        7,
    ],
)
def test_a_malformed_proxy_is_refused_without_being_repeated(proxy: object) -> None:
    with pytest.raises(EngineError, match=r"Egress\.proxy") as caught:
        check_egress(Egress(proxy=proxy))  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "credentials"),
    [
        ("http://proxy.test", "http", "proxy.test", 80, None),
        ("HTTP://u:p%20w@proxy.test:8080/", "http", "proxy.test", 8080, (b"u", b"p w")),
        ("socks5://proxy.test", "socks5", "proxy.test", 1080, None),
        ("socks5://[::1]:80", "socks5", "::1", 80, None),
        ("socks5://10.0.0.1:443", "socks5", "10.0.0.1", 443, None),
    ],
)
def test_a_proxy_is_read(
    text: str, scheme: str, host: str, port: int, credentials: tuple[bytes, bytes] | None
) -> None:
    proxy = Rules(Egress(proxy=text)).proxy
    assert proxy is not None
    assert (proxy.scheme, proxy.host, proxy.port, proxy.credentials) == (scheme, host, port, credentials)


def test_deny_wins_over_allow_and_over_allow_private() -> None:
    egress = Egress(allow=("a.test", "10.0.0.0/8"), deny=("a.test:80", "10.9.0.0/16"), allow_private=True)
    assert verdict(egress, "a.test") == ""
    assert (
        verdict(egress, "a.test", port=80)
        == "a.test:80 is denied by 'a.test:80' in the instance's egress rules"
    )
    assert "'10.9.0.0/16'" in verdict(egress, "10.9.1.1", "10.9.1.1")
    assert verdict(egress, "10.8.1.1", "10.8.1.1") == ""


def test_a_denied_network_is_denied_in_every_form_of_its_addresses() -> None:
    egress = Egress(allow_private=True, deny=("10.0.0.0/8",))
    for form in ("10.1.1.1", "::ffff:10.1.1.1", "64:ff9b::10.1.1.1", "2002:a01:101::", "::10.1.1.1"):
        assert "is denied by '10.0.0.0/8'" in verdict(egress, "a.test", form)


def test_a_private_address_is_reached_by_its_own_entry_only() -> None:
    by_name = Egress(allow=("inside.test",))
    assert verdict(by_name, "inside.test", "10.0.0.5") == (
        "inside.test has the address 10.0.0.5, which is a private address; the instance's egress rules forbid it"
    )
    assert verdict(Egress(allow=("*",)), "127.0.0.1", "127.0.0.1") == (
        "127.0.0.1 is a loopback address; the instance's egress rules forbid it"
    )
    by_network = Egress(allow=("10.0.0.0/24",))
    assert verdict(by_network, "inside.test", "10.0.0.5") == ""
    assert verdict(by_network, "inside.test", "::ffff:10.0.0.5") == ""
    assert verdict(by_network, "inside.test", "64:ff9b::10.0.0.5") != ""
    assert verdict(by_network, "inside.test") == (
        "inside.test has the address 93.184.216.34, which is not among what the instance's egress rules allow"
    )


def test_a_name_that_cannot_be_allowed_is_not_looked_up() -> None:
    assert Rules(Egress(allow=("a.test", "*.b.test"))).refuse_name("c.test", 443) != ""
    assert Rules(Egress(allow=("a.test", "10.0.0.0/8"))).refuse_name("c.test", 443) == ""
    assert Rules(Egress(allow=("a.test", "10.0.0.0/8:80"))).refuse_name("c.test", 443) != ""
    assert Rules(Egress(deny=("c.test",))).refuse_name("c.test", 443) != ""


@pytest.mark.parametrize(
    ("egress", "refused"),
    [
        (Egress(), False),
        (Egress(allow_private=True), False),
        (Egress(allow=("a.test",)), True),
        (Egress(deny=("other.test",)), True),
        (Egress(allow=("a.test", "other.test")), False),
    ],
)
def test_a_host_header_is_held_to_the_lists(egress: Egress, refused: bool) -> None:
    rules = Rules(egress)
    assert bool(rules.refuse_host_header("other.test:443", 443)) == refused
    assert rules.refuse_host_header("a.test", 443) == ""


def test_a_host_header_that_names_no_host_passes_no_list() -> None:
    assert Rules(Egress(deny=("a.test",))).refuse_host_header("a b", 443) == "the Host header names no host"


private = st.sampled_from(["10.0.0.0", "127.0.0.0", "169.254.0.0", "192.168.0.0", "0.0.0.0"]).flatmap(
    lambda start: st.integers(0, 2**16 - 1).map(lambda rest: IPv4Address(int(IPv4Address(start)) + rest))
)


@given(spelled(private))
def test_every_spelling_of_a_private_address_is_refused(case: tuple[IPv4Address, str]) -> None:
    _, text = case
    host, address = parse_host(text)
    assert address is not None
    assert "egress rules forbid it" in verdict(Egress(), host, address)
    assert "egress rules forbid it" in verdict(Egress(allow=("*",)), host, address)


addresses: st.SearchStrategy[Address] = st.one_of(
    st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address), private
)


@given(addresses)
def test_by_default_all_and_only_what_is_not_special_is_reached(address: Address) -> None:
    assert (verdict(Egress(), "a.test", address) == "") == (special(address) == "")
    assert verdict(Egress(allow_private=True), "a.test", address) == ""


labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=8).filter(
    lambda label: not label[0].isdigit()
)
names = st.lists(labels, min_size=1, max_size=4).map(".".join)


@given(names, names, st.booleans())
def test_a_suffix_takes_subdomains_and_nothing_else(name: str, suffix: str, beneath: bool) -> None:
    host = f"{name}.{suffix}" if beneath else name
    under = host.split(".")[-suffix.count(".") - 1 :] == suffix.split(".") and host != suffix
    assert bool(verdict(Egress(deny=(f"*.{suffix}",)), host)) == under
    assert bool(verdict(Egress(deny=(suffix.upper(),)), host)) == (host == suffix)


@given(addresses, st.integers(0, 128), st.booleans())
def test_a_network_takes_its_addresses(address: Address, prefix: int, inside: bool) -> None:
    bits = 32 if address.version == 4 else 128
    prefix = prefix % (bits + 1)
    start = int(address) >> (bits - prefix) << (bits - prefix)
    entry = f"{type(address)(start)}/{prefix}"
    other = address if inside or prefix == 0 else type(address)(int(address) ^ 1 << (bits - prefix))
    assert ("is denied" in verdict(Egress(deny=(entry,)), "a.test", other)) == (inside or prefix == 0)
