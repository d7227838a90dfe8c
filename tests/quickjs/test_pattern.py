"""URLPattern: patterns held against URLs; what is expected is what the polyfill of the standard answers."""

from __future__ import annotations

import pytest
from tests.javascript import Scripts, call_of

MATCHES = [
    ([{"pathname": "/foo/bar"}], [{"pathname": "/foo/bar"}], {"pathname": "/foo/bar"}, {}),
    (
        [{"pathname": "/foo/:bar"}],
        [{"pathname": "/foo/baz"}],
        {"pathname": "/foo/:bar"},
        {"pathname": {"bar": "baz"}},
    ),
    ([{"pathname": "/foo/:bar?"}], ["https://a.example/foo"], {"pathname": "/foo/:bar?"}, {}),
    (
        [{"pathname": "/foo/:bar*"}],
        ["https://a.example/foo/a/b"],
        {"pathname": "/foo/:bar*"},
        {"pathname": {"bar": "a/b"}},
    ),
    (
        [{"pathname": "/foo/:bar+"}],
        ["https://a.example/foo/a/b"],
        {"pathname": "/foo/:bar+"},
        {"pathname": {"bar": "a/b"}},
    ),
    (
        [{"pathname": "/foo/([^\\/]+?)"}],
        [{"pathname": "/foo/bar"}],
        {"pathname": "/foo/([^\\/]+?)"},
        {"pathname": {"0": "bar"}},
    ),
    (
        [{"pathname": "/foo/*"}],
        [{"pathname": "/foo/bar/baz"}],
        {"pathname": "/foo/*"},
        {"pathname": {"0": "bar/baz"}},
    ),
    (
        [{"pathname": "/foo/(.*)"}],
        [{"pathname": "/foo/bar/baz"}],
        {"pathname": "/foo/*"},
        {"pathname": {"0": "bar/baz"}},
    ),
    ([{"pathname": "/foo{/:bar}?"}], [{"pathname": "/foo"}], {"pathname": "/foo/:bar?"}, {}),
    ([{"pathname": "/foo/(.*)?"}], [{"pathname": "/foo"}], {"pathname": "/foo/*?"}, {}),
    (
        [{"pathname": "/foo/**"}],
        [{"pathname": "/foo/bar"}],
        {"pathname": "/foo/**"},
        {"pathname": {"0": "bar"}},
    ),
    (
        [{"pathname": "/:a-:b"}],
        [{"pathname": "/x-y"}],
        {"pathname": "/:a-:b"},
        {"pathname": {"a": "x", "b": "y"}},
    ),
    ([{"pathname": "/café"}], [{"pathname": "/caf%C3%A9"}], {"pathname": "/caf%C3%A9"}, {}),
    (
        [{"hostname": "*.example.com"}],
        ["https://www.example.com/x"],
        {"hostname": "*.example.com"},
        {"hostname": {"0": "www"}},
    ),
    (
        [{"hostname": ":sub.example.com"}],
        ["https://www.example.com/x"],
        {"hostname": ":sub.example.com"},
        {"hostname": {"sub": "www"}},
    ),
    ([{"hostname": "xn--caf-dma.com"}], ["https://café.com/"], {"hostname": "xn--caf-dma.com"}, {}),
    ([{"hostname": "café.com"}], ["https://café.com/"], {"hostname": "xn--caf-dma.com"}, {}),
    (
        ["https://example.com/:id"],
        ["https://example.com/42"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/:id"},
        {"pathname": {"id": "42"}},
    ),
    (
        ["https://example.com/:id?q=*"],
        ["https://example.com/42?q=5"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/:id?q=*"},
        None,
    ),
    (
        ["https://example.com:8080/foo?bar#baz"],
        ["https://example.com:8080/foo?bar#baz"],
        {
            "protocol": "https",
            "hostname": "example.com",
            "port": "8080",
            "pathname": "/foo",
            "search": "bar",
            "hash": "baz",
        },
        {},
    ),
    (
        ["/foo?bar#baz", "https://example.com:8080"],
        ["https://example.com:8080/foo?bar#baz"],
        {
            "protocol": "https",
            "hostname": "example.com",
            "port": "8080",
            "pathname": "/foo",
            "search": "bar",
            "hash": "baz",
        },
        {},
    ),
    (
        ["http{s}?://example.com/x"],
        ["http://example.com/x"],
        {"protocol": "http{s}?", "hostname": "example.com", "port": "", "pathname": "/x"},
        {},
    ),
    (
        ["http{s}?://*.example.com/books/:id(\\d+)"],
        ["https://a.example.com/books/7"],
        {"protocol": "http{s}?", "hostname": "*.example.com", "port": "", "pathname": "/books/:id(\\d+)"},
        {"hostname": {"0": "a"}, "pathname": {"id": "7"}},
    ),
    (
        ["data\\:foobar"],
        ["data:foobar"],
        {"protocol": "data", "hostname": "", "port": "", "pathname": "foobar"},
        {},
    ),
    (
        ["https://{sub.}?example.com/foo"],
        ["https://example.com/foo"],
        {"protocol": "https", "hostname": "{sub.}?example.com", "port": "", "pathname": "/foo"},
        {},
    ),
    (
        ["(https?)://example.com/"],
        ["https://example.com/"],
        {"protocol": "(https?)", "hostname": "example.com", "port": "", "pathname": "/"},
        {"protocol": {"0": "https"}},
    ),
    (
        ["https://(sub.)?example.com/"],
        ["https://example.com/"],
        {"protocol": "https", "hostname": "(sub.)?example.com", "port": "", "pathname": "/"},
        {},
    ),
    (
        ["https://example.com/foo?*"],
        ["https://example.com/foo?x"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/foo"},
        {},
    ),
    (
        [":name://example.com/"],
        ["https://example.com/"],
        {"protocol": ":name", "hostname": "example.com", "port": "", "pathname": "/"},
        {"protocol": {"name": "https"}},
    ),
    (
        ["https://user:pw@example.com/"],
        ["https://user:pw@example.com/"],
        {"protocol": "https", "username": "user:pw", "hostname": "example.com", "port": "", "pathname": "/"},
        None,
    ),
    (
        ["https://:user::pw@example.com"],
        ["https://a:b@example.com/"],
        {"protocol": "https", "username": ":user", "password": ":pw", "hostname": "example.com", "port": ""},
        {"username": {"user": "a"}, "password": {"pw": "b"}},
    ),
    (
        ["https://[\\:\\:1]/"],
        ["https://[::1]/"],
        {"protocol": "https", "hostname": "[\\:\\:1]", "port": "", "pathname": "/"},
        {},
    ),
    (
        ["https://[\\:\\:AB\\::num]/"],
        ["https://[::ab:1]/"],
        {"protocol": "https", "hostname": "[\\:\\:ab\\::num]", "port": "", "pathname": "/"},
        {"hostname": {"num": "1"}},
    ),
    (
        [{"hostname": "{[\\:\\:ab\\::num]}"}],
        [{"hostname": "[::ab:1]"}],
        {"hostname": "{[\\:\\:ab\\::num]}"},
        {"hostname": {"num": "1"}},
    ),
    ([{"protocol": "https", "port": "443"}], ["https://a/"], {"protocol": "https", "port": ""}, {}),
    ([{"port": "80"}], ["http://a/"], {"port": "80"}, None),
    ([{"protocol": "http", "port": "80"}], ["http://a/"], {"protocol": "http", "port": ""}, {}),
    (
        [{"pathname": "bar", "baseURL": "https://example.com/foo/x"}],
        ["https://example.com/foo/bar"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/foo/bar"},
        {},
    ),
    ([{"search": "?q=:v"}], ["https://a/?q=1"], {"search": "q=:v"}, {"search": {"v": "1"}}),
    ([{"hash": "#a*"}], ["https://a/#abc"], {"hash": "a*"}, {"hash": {"0": "bc"}}),
    (
        [{"pathname": "(foo)(.*)"}],
        [{"pathname": "foobar"}],
        {"pathname": "(foo)(.*)"},
        {"pathname": {"0": "foo", "1": "bar"}},
    ),
    ([{"pathname": "{/bar}"}], [{"pathname": "/bar"}], {"pathname": "/bar"}, {}),
    ([{"pathname": "foo{/bar}*"}], [{"pathname": "foo/bar/bar"}], {"pathname": "foo{/bar}*"}, {}),
    ([{"pathname": "/((?:a))"}], [{"pathname": "/a"}], {"pathname": "/((?:a))"}, {"pathname": {"0": "a"}}),
    ([{"pathname": ":a\\.b"}], [{"pathname": "x.b"}], {"pathname": ":a.b"}, {"pathname": {"a": "x"}}),
    ([{"pathname": "/foo/bar"}, {"ignoreCase": True}], ["https://a/FOO/bar"], {"pathname": "/foo/bar"}, {}),
    (
        ["https://example.com/:x", "https://b/", {"ignoreCase": True}],
        ["https://example.com/1"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/:x"},
        {"pathname": {"x": "1"}},
    ),
    ([{}], ["https://a/b?c#d"], {}, {}),
    ([], ["https://a/b?c#d"], {}, {}),
    (
        ["https://example.com"],
        ["https://example.com/"],
        {"protocol": "https", "hostname": "example.com", "port": ""},
        {},
    ),
    (
        ["https://example.com/"],
        ["https://example.com/x"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/"},
        None,
    ),
    (["blob:*"], ["blob:x"], {"protocol": "blob", "hostname": "", "port": ""}, {}),
    (
        ["foo://bar/baz"],
        ["foo://bar/baz"],
        {"protocol": "foo", "hostname": "bar", "port": "", "pathname": "/baz"},
        {},
    ),
    (
        [{"pathname": "/a/:x(b|c)d"}],
        [{"pathname": "/a/bd"}],
        {"pathname": "/a/:x(b|c)d"},
        {"pathname": {"x": "b"}},
    ),
    (
        [{"pathname": "/:x{.json}?"}],
        [{"pathname": "/a.json"}],
        {"pathname": "/:x{.json}?"},
        {"pathname": {"x": "a"}},
    ),
    (
        [{"pathname": "/a/:x{/b}+"}],
        [{"pathname": "/a/q/b/b"}],
        {"pathname": "/a/:x{/b}+"},
        {"pathname": {"x": "q"}},
    ),
    ([{"pathname": ":x*"}], [{"pathname": "abc"}], {"pathname": ":x*"}, {"pathname": {"x": "abc"}}),
    ([{"pathname": "{:x}s"}], [{"pathname": "abcs"}], {"pathname": "{:x}s"}, {"pathname": {"x": "abc"}}),
    (
        [{"pathname": "{*}s*"}],
        [{"pathname": "abcs"}],
        {"pathname": "*s*"},
        {"pathname": {"0": "abc", "1": ""}},
    ),
    ([{"pathname": "/a b"}], [{"pathname": "/a b"}], {"pathname": "/a%20b"}, {}),
    ([{"username": "us er"}], ["https://us%20er@a/"], {"username": "us%20er"}, {}),
    ([{"protocol": "http:", "hostname": "a"}], ["http://a/"], {"protocol": "http", "hostname": "a"}, {}),
    ([{"pathname": "/x/../y"}], [{"pathname": "/y"}], {"pathname": "/y"}, {}),
    ([{"pathname": "/x"}], [{"pathname": "/x", "baseURL": "https://z/"}], {"pathname": "/x"}, {}),
    ([{"pathname": "/:café"}], [{"pathname": "/q"}], {"pathname": "/:café"}, {"pathname": {"café": "q"}}),
    ([{"pathname": "/foo/bar"}], ["https://a/foo/bar", "https://b/"], {"pathname": "/foo/bar"}, {}),
    ([{"pathname": "/foo/bar"}], ["/foo/bar", "https://b/"], {"pathname": "/foo/bar"}, {}),
    ([{"pathname": "/foo"}], ["not a url"], {"pathname": "/foo"}, None),
    (
        ["https://example.com/{a}b"],
        ["https://example.com/ab"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/ab"},
        {},
    ),
    (
        ["https://example.com/:a?b"],
        ["https://example.com/xb"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/:a?b"},
        {"pathname": {"a": "x"}},
    ),
    (
        ["https://example.com/(a)?b"],
        ["https://example.com/b"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/(a)?b"},
        None,
    ),
    (
        ["https://example.com/\\?b"],
        ["https://example.com/?b"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/", "search": "b"},
        {},
    ),
    (
        ["?q=:x", "https://example.com/p"],
        ["https://example.com/p?q=2"],
        {"protocol": "https", "hostname": "example.com", "port": "", "pathname": "/p", "search": "q=:x"},
        {"search": {"x": "2"}},
    ),
    (
        ["#h", "https://example.com/p?q"],
        ["https://example.com/p?q#h"],
        {
            "protocol": "https",
            "hostname": "example.com",
            "port": "",
            "pathname": "/p",
            "search": "q",
            "hash": "h",
        },
        {},
    ),
    (
        ["mailto::x@y"],
        ["mailto:a@y"],
        {"protocol": "mailto", "hostname": "", "port": "", "pathname": ":x@y"},
        {"pathname": {"x": "a"}},
    ),
]
"""Arguments, input, components that are not `*` in normal form, and groups by component (None: no match)."""

REFUSED = [
    ["data:foobar"],
    ["example.com/foo"],
    ["/foo"],
    [{"pathname": "/foo"}, "https://x"],
    [{"port": "100000"}],
    [{"protocol": "café"}],
    [{"pathname": "/:id/:id"}],
    [{"pathname": "/(\\d"}],
    [{"pathname": "/{a"}],
    [{"pathname": "/(?a)"}],
    [{"pathname": "/((a))"}],
    [{"pathname": "/()"}],
    [{"pathname": "/:"}],
    ["*"],
    [{"hostname": "a|b"}],
    [{"search": "a+b"}],
    ["https://example.com/a?b?c"],
    ["javascript:foo"],
]

ASKED = """
async function onTrack({ given, input }) {
    const names = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];
    const pattern = new URLPattern(...given), found = JSON.parse(JSON.stringify(pattern.exec(...input)));
    const parts = Object.fromEntries(names.filter((name) => pattern[name] !== "*").map((name) => [name, pattern[name]]));
    const isTold = (name) => pattern[name] !== "*" && Object.keys(found[name].groups).length;
    const groups = found && Object.fromEntries(names.filter(isTold).map((name) => [name, found[name].groups]));
    return [parts, groups, pattern.test(...input)];
}
"""


@pytest.mark.parametrize(
    ("given", "input_", "parts", "groups"), MATCHES, ids=[str(case[:2]) for case in MATCHES]
)
async def test_a_pattern_matches_what_the_standard_says(
    scripts: Scripts, given: list[object], input_: list[object], parts: object, groups: object
) -> None:
    script = await scripts(ASKED)
    asked = call_of({"given": given, "input": input_})
    assert await script.value(asked) == [parts, groups, groups is not None]


@pytest.mark.parametrize("given", REFUSED, ids=map(str, REFUSED))
async def test_what_is_no_pattern_is_a_type_error(scripts: Scripts, given: list[object]) -> None:
    thrown = await (await scripts(ASKED)).thrown(call_of({"given": given, "input": ["https://a/"]}))
    assert thrown.name == "TypeError"


async def test_an_input_is_told_as_it_was_matched(scripts: Scripts) -> None:
    body = """
        const found = new URLPattern({ pathname: '/:a/(\\\\d+)?' }).exec('/x/5', 'https://b.example');
        return [found.inputs, found.pathname, new URLPattern({ pathname: '/(a)' }).hasRegExpGroups, new URLPattern('/:a', 'https://b').hasRegExpGroups];
    """
    assert await (await scripts.body(body)).value() == [
        ["/x/5", "https://b.example"],
        {"input": "/x/5", "groups": {"a": "x", "0": "5"}},
        True,
        False,
    ]
