"""Segment's libraries: the same bundles give what they give in Node, and what is not there says so where it is used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.javascript import FakeHost, Scripts

from isthmus_quickjs._guest import Guest
from isthmus_quickjs.libraries.bundles import Bundles
from isthmus_quickjs.libraries.catalogue import catalogue
from isthmus_quickjs.libraries.named import libraries_named_in

BUNDLES = Bundles.find()
CLIENTS = Path(__file__).parents[1] / "clients"

pytestmark = pytest.mark.skipif(
    BUNDLES.directory is None and os.environ.get("CI") != "true", reason="the libraries are not installed"
)

CASES = [
    "_.chunk([1, 2, 3, 4, 5], 2)",
    "_.chain([3, 1, 2]).sortBy().map((n) => n * 2).value()",
    "_.get({ a: [{ b: 7 }] }, 'a[0].b') + _.template('<%= x %>!')({ x: 1 }) + _.startCase('fooBar')",
    "_.isEqual({ a: new Date(5), b: /x/g }, { a: new Date(5), b: /x/g })",
    "_.merge({}, { a: { b: 1 } }, { a: { c: [1] } })",
    "_.VERSION + _.isBuffer(Buffer.from('a')) + _.cloneDeep(new Map([[1, { a: 2 }]])).get(1).a",
    "moment.tz('2024-03-10T12:00:00Z', 'America/New_York').format()",
    "moment.tz('2024-11-03 01:30', 'US/Eastern').toISOString() + moment.tz.zone('nowhere')",
    "moment.utc(0).locale('fr').format('LLLL') + moment.utc(0).locale('ja').format('LL')",
    "((id, it, fr) => moment.utc(0).format('dddd') + moment.locale() + id + it + fr)(1, 2, 3)",
    "[moment.locale('de'), moment.utc(0).format('LLLL'), moment.utc(0).locale('en').format('LLLL'), moment.locale()]",
    "moment.utc('2024-02-29').add(1, 'year').format('YYYY-MM-DD dddd') + moment.utc('x').isValid()",
    "moment.duration(90, 'minutes').humanize() + moment.utc('25/12/1995', 'DD/MM/YYYY').unix()",
    "[moment.tz.names().length, moment.tz.names()[7], moment.tz.zonesForCountry('DE'), moment.tz.countries().length]",
    "xml([{ order: [{ _attr: { id: 7 } }, { item: 'a & b' }, { note: { _cdata: '<x>' } }] }], { declaration: true, indent: ' ' })",
    "xml2js.parseStringPromise('<a b=\"1\"><c>2</c><c>&lt;</c></a>', { explicitArray: false })",
    "new Promise((done) => xml2js.parseString('<a>', (error) => done(error.message)))",
    "new xml2js.Builder().buildObject({ a: { $: { b: 1 }, c: ['x', 'y'] } })",
    "jsonwebtoken.verify(jsonwebtoken.sign({ a: 1, iat: 5 }, 'key', { noTimestamp: true }), 'key')",
    "jsonwebtoken.sign({ a: 1, iat: 5 }, 'key', { algorithm: 'HS512', issuer: 'me' })",
    "(() => { try { jsonwebtoken.verify(jsonwebtoken.sign({}, 'a'), 'b') } catch (e) { return [e.name, e.message] } })()",
    "jsonwebtoken.decode('eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.x', { complete: true })",
    "libphonenumberjslib.libphonenumberjs.parsePhoneNumber('8 (800) 555-35-35', 'RU').number",
    "['+12133734253', '+491701234567'].map((n) => libphonenumberjslib.libphonenumberjs.parsePhoneNumber(n).formatNational())",
    "libphonenumberjslib.libphonenumberjs.isValidPhoneNumber('+1213', 'US')",
    "uuidv5.uuidv5('dns', 'example.com').toString()",
    "aws4.aws4.sign({ service: 'sqs', region: 'eu-west-1', path: '/?Action=ListQueues', headers: { 'X-Amz-Date': '20240101T000000Z' } }, { accessKeyId: 'a', secretAccessKey: 'b' }).headers.Authorization",
    "cryptojslib.cryptojs.HmacSHA256('text', 'key').toString(cryptojslib.cryptojs.enc.Base64)",
    "cryptojslib.cryptojs.AES.encrypt('text', cryptojslib.cryptojs.enc.Hex.parse('00112233445566778899aabbccddeeff'), { iv: cryptojslib.cryptojs.enc.Hex.parse('000102030405060708090a0b0c0d0e0f') }).toString()",
    "new OAuth.OAuth('u', 'a', 'key', 'secret', '1.0', null, 'HMAC-SHA1').signUrl('https://x.y/z?b=1', 't', 's').replace(/oauth_(nonce|timestamp|signature)=[^&]*/g, '')",
    "(async () => { let n = 0; const retry = fetchretrylib.fetchretry(async () => { if (++n < 3) throw new Error('no'); return 'yes' }, { retryDelay: 0 }); return [await retry('x'), n] })()",
]  # fmt: skip

IN_NODE = """
process.env.TZ = "UTC";
const { readFileSync } = require("fs"), { gunzipSync } = require("zlib"), { dist, places, code } = JSON.parse(readFileSync(0));
const made = {}, find = (name) => (name.startsWith("isthmus:") ? part(name.slice(8)) : require(name));
const table = (name) => (key) => JSON.parse(gunzipSync(readFileSync(`${dist}/${name}.json.gz`)))[key];
function part(name) {
  if (made[name]) return made[name].exports;
  const module = made[name] = { exports: {} };
  const given = { require: find, module, exports: module.exports, process, Buffer, global, table };
  eval(readFileSync(`${dist}/${name}.js`, "utf8")).call(module.exports, given);
  return module.exports;
}
for (const [name, source] of places) {
  const path = name.split("."), last = path.pop();
  let at = globalThis;
  for (const step of path) at = at[step] ??= {};
  if (source) at[last] = part(source);
}
Promise.resolve((0, eval)(code)).then((value) => console.log(JSON.stringify(value) ?? "null"));
"""


def in_node(code: str) -> object:
    """What the expression is in Node, with the same bundles and Node's own modules below them."""
    given = {
        "dist": str(BUNDLES.directory),
        "places": libraries_named_in(code, BUNDLES).places,
        "code": code,
    }
    command = ["node", "-e", IN_NODE]
    text = json.dumps(given)
    ran = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


@pytest.mark.skipif(
    shutil.which("node") is None and os.environ.get("CI") != "true",
    reason="node is not there to compare with",
)
@pytest.mark.parametrize("code", CASES)
async def test_a_library_gives_what_it_gives_in_node(code: str, scripts: Scripts) -> None:
    script = await scripts.body(f"return {code}")
    assert await script.value() == in_node(code)


@pytest.mark.skipif(
    shutil.which("node") is None and os.environ.get("CI") != "true",
    reason="node is not there to compare with",
)
@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384"])
async def test_tokens_signed_here_are_verified_in_node_and_the_other_way_round(
    algorithm: str, scripts: Scripts
) -> None:
    private, public = key_pair(algorithm)
    sign = f"jsonwebtoken.sign({{ a: 'ä', iat: 5 }}, {json.dumps(private)}, {{ algorithm: '{algorithm}', keyid: 'k' }})"
    here, there = await (await scripts.body(f"return {sign}")).value(), in_node(sign)
    if algorithm.startswith("RS"):  # the others' signatures differ each time
        assert here == there

    def verify(token: object) -> str:
        given = f"{json.dumps(token)}, {json.dumps(public)}, {{ algorithms: ['{algorithm}'] }}"
        forged = f"{json.dumps(str(token)[:-8] + 'AAAAAAAA')}, {json.dumps(public)}"
        return f"[jsonwebtoken.verify({given}), (() => {{ try {{ jsonwebtoken.verify({forged}) }} catch (e) {{ return e.message }} }})()]"

    expected = [{"a": "ä", "iat": 5}, "invalid signature"]
    assert await (await scripts.body(f"return {verify(there)}")).value() == expected
    assert in_node(verify(here)) == expected


def key_pair(algorithm: str) -> tuple[str, str]:
    """A private and a public key in PEM, for this algorithm of tokens."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if algorithm.startswith("ES"):
        key = ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())
    else:
        key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def test_every_library_that_is_there_is_compared_or_tried_against_its_service() -> None:
    there = [library for library in catalogue() if library.part]
    tried = [path.read_text(encoding="utf-8") for path in CLIENTS.glob("test_*.py")]
    assert [lib.name for lib in there if not any(lib.name in code for code in (*CASES, *tried))] == []
    assert [lib.name for lib in there if lib.part not in BUNDLES.manifest.parts] == []


@pytest.mark.parametrize("name", [library.name for library in catalogue() if library.why])
async def test_what_is_not_there_says_why_when_it_is_touched(name: str, scripts: Scripts) -> None:
    root = name.partition(".")[0]
    script = await scripts.body(f"""
      const type = typeof {root};
      const said = [];
      for (const touch of [() => {name}.x, () => {name}(), () => new {name}(), () => ({name}.x = 1), () => "x" in {name}]) {{
        try {{ touch() }} catch (error) {{ said.push(error.message) }}
      }}
      return [type, new Set(said).size, said.length, said[0]];
    """)
    kind, different, count, message = cast("tuple[str, int, int, str]", await script.value())
    assert kind in {"function", "object"}
    assert (different, count) == (1, 5)
    assert name in message
    assert "can't be used here" in message


async def test_a_global_may_be_put_to_another_use(scripts: Scripts) -> None:
    script = await scripts("""
      uuidv5 = uuidv5.uuidv5;
      moment = null;
      async function onTrack() {
        const xml = 5;
        return [String(uuidv5('dns', 'example.com')), moment, xml, [1, 2].map((_, i) => i)];
      }
    """)
    assert await script.value() == ["cfbff0d1-9375-5685-968c-48ce8b15ae17", None, 5, [0, 1]]


async def test_what_one_call_does_to_a_library_the_next_does_not_see(scripts: Scripts) -> None:
    script = await scripts.body(
        "_.mine = (_.mine ?? 0) + 1; moment.locale('fr'); return [_.mine, moment.locale()]"
    )
    assert [await script.value() for _ in range(2)] == [[1, "fr"], [1, "fr"]]


async def test_a_library_that_only_a_string_names_is_made_when_it_is_read(scripts: Scripts) -> None:
    script = await scripts.body("return window['moment'].utc(0).year()")
    assert await script.value() == 1970


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("_.map(x)", ["_"]),
        ("x.map((_, i) => i)", []),
        ("// _.map", []),
        ("'use _.map'", []),
        ("const _ = { map() {} }; _.map()", []),
        ("uuidv5 = uuidv5.uuidv5;", ["uuidv5.uuidv5"]),
        ("event.moment", []),
        ("moment(event.at)", ["moment"]),
        ("const m = moment;", ["moment"]),
        ("AWS.S3", ["AWS", "AWS.S3"]),
        ("const { S3 } = AWS; new AWS.SQS(); new AWS.SQS()", ["AWS", "AWS.SQS"]),
        ("OAuth", []),
    ],
)
def test_what_is_surely_used_is_made_when_the_code_loads(code: str, wanted: list[str]) -> None:
    assert libraries_named_in(code, BUNDLES).wanted == wanted


def test_without_bundles_each_library_says_how_to_come_by_it(tmp_path: Path) -> None:
    for name, part, why in libraries_named_in("_.map; moment()", Bundles(None)).places:
        assert part == ""
        assert name in why
        assert "isthmus libraries install" in why


def test_a_guest_reaches_no_file_but_parts_and_tables() -> None:
    bundles = Guest().bundles
    for name in ("../catalogue", "manifest", "/etc/passwd", "moment-zones", ""):
        with pytest.raises(KeyError):
            bundles.script(name)
    with pytest.raises(KeyError):
        bundles.look_up("manifest", "parts")


async def test_oauth_makes_its_requests_by_the_hosts_fetch(scripts: Scripts) -> None:
    script = await scripts.body(
        """
        const one = new OAuth.OAuth('https://a.example/r', 'https://a.example/a', 'key', 'secret', '1.0', null, 'HMAC-SHA1');
        const two = new OAuth.OAuth2('id', 'secret', 'https://a.example/', 'auth', 'token');
        const asked = (ask) => new Promise((done, fail) => ask((error, value) => error ? fail(error) : done(value)));
        return [await asked((done) => one.get('https://a.example/me', 'token', 'secret', done)),
                await asked((done) => two.getOAuthAccessToken('code', { grant_type: 'authorization_code' }, done))];
        """
    )
    host = FakeHost(body=b'{"access_token":"t1"}')
    assert await script.value(host=host) == ['{"access_token":"t1"}', "t1"]
    me, token = host.requests
    assert (me.method, me.url) == ("GET", "https://a.example/me")
    assert 'oauth_signature="' in dict(me.headers)["authorization"]
    assert (token.method, token.url) == ("POST", "https://a.example/token")
    assert b"grant_type=authorization_code" in (token.body or b"")
