"""URL and URLSearchParams: the standard's, as Node has them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

from hypothesis import given, settings, strategies as st
from tests.javascript import Scripts, call_of
from tests.quickjs.expressions import needs_node, run_node

URLS = [
    "http://example.com",
    "https://EXAMPLE.com:443/a/../b/./c?x=1#y",
    "http://user:pa%20ss@host:8080/p?q#h",
    "http://1.2.3.4/",
    "http://0x7f.1/",
    "http://256.1.1.1/",
    "http://1.2.3/",
    "http://0300.1/",
    "http://[::1]:80/",
    "http://[2001:db8::0:0:1]/",
    "http://[1:2:3:4:5:6:1.2.3.4]/",
    "http://[1::2::3]/",
    "http://[::1",
    "http://a b/",
    "http://a%41b/",
    "http://a%00b/",
    "http://ex ample/",
    "http://münchen.de/ü?ü=ö#é",
    "http://☕.example/",
    "http://xn--mnchen-3ya.de/",
    "http://xn--a/",
    "http:///x",
    "http:/x",
    "http:x",
    "https:\\\\host\\path\\..\\q",
    "http://host/a b?c d#e f",
    "http://host/%zz%41",
    "http://host:99999/",
    "http://host:0/",
    "http://host:80a/",
    "http://host:/",
    "http://@host/",
    "http://u@/",
    "http://u:@h/",
    "http://:p@h/",
    "http://a:b@c:d@h/",
    "mailto:a@b.c",
    "data:text/plain,hi there",
    "javascript:alert(1)",
    "foo://bar/baz/../q",
    "foo://bar:80/x",
    "foo:/a/b",
    "foo:/.//p",
    "foo://",
    "foo:bar?q#h",
    "file:///C:/a/../b",
    "file://host/x",
    "file:///etc/passwd",
    "file:C|/x",
    "file:",
    "//host/path",
    "/path",
    "path",
    "?q",
    "#h",
    "  http://trim.me/  ",
    "ht\ttp://tab.me/",
    "http://h/?a=b&c='d'",
    "http://h/a//b///c",
    "http://h/..",
    "http://h/a/b/..",
    "http://h/%2e%2E/a",
    "http://h?q",
    "http://h#f",
    "http://h/?#",
    "http://EXAMPLE.COM./",
    "http://0/",
    "http://0x/",
    "http://1e2/",
    "http://a.0x1/",
    "http://a.1/",
    "ws://h:80/",
    "wss://h:443/",
    "ftp://h:21/",
    "blob:https://a.com/uuid",
    'http://h/{}`^|<>"',
    'http://h/?{}`^|<>"',
    'http://h/#{}`^|<>"',
    "http://u{}|^:p{}|@h/",
    "http://[::ffff:1.2.3.4]/",
    "http://[0:0:0:0:0:0:0:0]/",
    "http://[1:0:0:2:0:0:0:3]/",
    "http://[fe80::1%25eth0]/",
    "non-special:opaque path",
    "non-special://h ost/",
    "http://999999999999/",
    "http://a..b/",
    "http://-a-/",
    "http://a_b/",
    "http://\uff41.com/",
    "http://faß.de/",
    "http://%E2%98%83/",
    "http://1.2.3.4.5/",
    "http://.../",
    "http://a^b/",
    "http://a*b/",
    "http://a|b/",
    "http://a,b/",
    "http://a;b/",
    'http://a"b/',
    "http://a`b/",
    "http://a{b/",
    "https://example.com:443@foo/",
    "http://😀/😀?😀#😀",
    "http://h/a?b?c#d#e",
    "abc",
    "about:blank",
    "about:blank?x",
]
BASES = ["http://base.com/a/b/c?bq#bh", "file:///C:/x/y", "foo://h/a/b"]
RELATIVE = [
    "", "x", "/x", "//o/x", "?q", "#h", "../x", "./", "..", "\\x", "http:x", "http:/x", "http://x", "https:x", "a:b",
    "C|/z", "/D:/z", "file:x", "foo:x", ".", "x?y#z", "////x", "//",
]  # fmt: skip
SETTERS = {
    "protocol": ["https", "ftp:", "foo", "http:x", "1a", ""],
    "username": ["a b", ":@/", ""],
    "password": ["x", "é"],
    "host": ["o.com", "o.com:81", "o:99999", "", "a b", "[::1]:3", "x/y", "o:", "ü.de"],
    "hostname": ["o.com", "o:1", "", "[::2]", "a?b"],
    "port": ["81", "443", "80", "", "x", "8x", "99999", "00081"],
    "pathname": ["", "x", "/a/../b", " ?#", "%2e/x"],
    "search": ["", "?", "a=b", "?x y'", "#"],
    "hash": ["", "#", "a b", "#x`"],
    "href": ["http://new/", "bad"],
}
SET = ["http://u:p@h:8080/p?q#f", "https://h/", "foo://h/p", "mailto:x", "file:///x"]
PARAMS = [
    "'a=1&b=2&a=3'", "'?a=%20+b'", "{ a: 1, b: [1, 2] }", "[['a', 'b'], ['c', 'd']]", "'%zz&=&a&&=b'", "'é=ü&😀'",
    "undefined", "null", "[['a']]", "new Map([['x', 'y']])", "'a=b=c'", "'a=~!*()-._ '", "5", "'%ff=%c3'", "['ab']",
    "{ 'a b': 'c&d' }", "new URLSearchParams('z=1')", "[5]", "''",
]  # fmt: skip

RUN = r"""
const parts = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];
const show = (url) => parts.map((part) => url[part]).join(' | ');
const refusal = (error) => [error.name, error.code, error.message].join(' ');
const attempt = (make) => { try { return make() } catch (error) { return refusal(error) } };
const found = {};
for (const url of URLS) found[url] = attempt(() => show(new URL(url)));
for (const base of BASES) for (const url of RELATIVE) found[`${url} on ${base}`] = attempt(() => show(new URL(url, base)));
for (const start of SET) for (const part in SETTERS) for (const value of SETTERS[part]) {
    const url = new URL(start);
    found[`${start} ${part}=${value}`] = attempt(() => { url[part] = value; return '' }) + show(url);
}
"""
PARAMETERS = "".join(
    f"found[{json.dumps(init)}] = attempt(() => {{ const p = new URLSearchParams({init}); return [p + '', [...p], p.size] }});\n"
    for init in PARAMS
)
LIVE = r"""
{
    const url = new URL('http://h/?a=1&b=2'), params = url.searchParams, seen = [];
    const look = () => seen.push(url.href, String(params));
    params.append('c', 'x y'); look(); params.delete('a'); look(); url.search = '?z=9'; look(); params.delete('z'); look();
    params.set('q', "'"); look(); url.href = 'http://k/?m=n&a=b&a=c'; look(); params.sort(); look(); params.delete('a', 'b'); look();
    params.set('a', 1); look(); url.search = ''; look();
    found.live = [...seen, params === url.searchParams, params.has('a', '1'), url.toString(), JSON.stringify({ url })];
}
"""


@needs_node
async def test_every_url_is_what_node_makes_of_it(scripts: Scripts) -> None:
    tables = {"URLS": URLS, "BASES": BASES, "RELATIVE": RELATIVE, "SETTERS": SETTERS, "SET": SET}
    names = "".join(f"const {name} = {json.dumps(table)};\n" for name, table in tables.items())
    code = names + RUN + PARAMETERS + LIVE
    expected = json.loads(run_node(code + "console.log(JSON.stringify(found))"))
    found: Any = await (await scripts.body(code + "return found")).value()
    assert found == expected


names = st.text(max_size=6)


@settings(max_examples=80)
@given(pairs=st.lists(st.tuples(names, names), max_size=5))
async def test_parameters_are_written_and_read_as_python_writes_and_reads_them(
    scripts: Scripts, pairs: list[tuple[str, str]]
) -> None:
    body = (
        "const p = new URLSearchParams(event); return [p.toString(), [...new URLSearchParams(p.toString())]]"
    )
    found: Any = await (await scripts.body(body)).value(call_of(pairs))
    text, again = found
    assert parse_qsl(text, keep_blank_values=True) == pairs
    assert again == [list(pair) for pair in pairs]
    # Python leaves "~" as it is and encodes "*"; the standard does the opposite.
    assert text == urlencode(pairs, safe="*").replace("~", "%7E")


@settings(max_examples=80)
@given(
    scheme=st.sampled_from(["http", "https", "ws"]),
    host=st.from_regex(r"[a-w][a-z0-9-]{0,8}\.[a-z]{2,4}", fullmatch=True),
    port=st.none() | st.integers(1, 65535),
    path=st.lists(st.text(max_size=5), max_size=3),
    query=st.none() | st.text(max_size=6),
    fragment=st.none() | st.text(max_size=6),
)
async def test_what_is_parsed_again_is_the_same(
    scripts: Scripts,
    scheme: str,
    host: str,
    port: int | None,
    path: list[str],
    query: str | None,
    fragment: str | None,
) -> None:
    text = f"{scheme}://{host}{'' if port is None else f':{port}'}/{'/'.join(path)}"
    text += ("" if query is None else f"?{query}") + ("" if fragment is None else f"#{fragment}")
    body = """
        const url = new URL(event), again = new URL(url.href);
        return [url.href === again.href, url.hostname, url.origin, new URL(url, 'http://elsewhere').href === url.href];
    """
    default = {"http": 80, "https": 443, "ws": 80}[scheme]
    origin = f"{scheme}://{host}{'' if port in {None, default} else f':{port}'}"
    assert await (await scripts.body(body)).value(call_of(text)) == [True, host, origin, True]


INTERNATIONAL = {
    "münchen.de": "xn--mnchen-3ya.de",
    "faß.de": "xn--fa-hia.de",
    "☃.net": "xn--n3h.net",
    "日本語。jp": "xn--wgv71a119e.jp",
    "xn--mnchen-3ya.de": "xn--mnchen-3ya.de",
    "xn--a": None,
    "\uff27\uff2f.com": "go.com",
    "%C3%BC.de": "xn--tda.de",
}


async def test_international_names_are_asked_of_the_host(scripts: Scripts) -> None:
    body = (
        "return event.map((name) => URL.canParse(`http://${name}/`) ? new URL(`http://${name}/`).host : null)"
    )
    assert await (await scripts.body(body)).value(call_of(list(INTERNATIONAL))) == list(
        INTERNATIONAL.values()
    )
