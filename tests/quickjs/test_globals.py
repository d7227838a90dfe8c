"""Every global that Segment documents: one real use of each, or a refusal that says why and what to do instead."""

from __future__ import annotations

import re
from typing import Final

import pytest
from tests.javascript import FakeHost, Scripts

from isthmus_quickjs.libraries.catalogue import catalogue

USES: Final[dict[str, tuple[str, object]]] = {
    "fetch": ("const r = await fetch('https://x.test/a', { method: 'POST', body: '1' }); return [r.status, r.ok, await r.json()]", [200, True, {"ok": True}]),
    "Request": ("const r = new Request('https://x.test/a', { method: 'put', body: 'b' }); return [r.method, r.url, await r.text()]", ["PUT", "https://x.test/a", "b"]),
    "Response": ("return new Response('{\"a\":1}', { status: 201 }).json()", {"a": 1}),
    "Headers": ("const h = new Headers({ A: '1' }); h.append('a', '2'); return [h.get('a'), h.raw()]", ["1, 2", {"a": ["1", "2"]}]),
    "FormData": ("const f = new FormData(); f.append('a', 'b'); return f.getBuffer().toString().includes('name=\"a\"\\r\\n\\r\\nb')", True),
    "atob": ("return atob('w6k=').length", 2),
    "btoa": ("return btoa('user:pass')", "dXNlcjpwYXNz"),
    "crypto": ("return crypto.createHmac('sha256', 'k').update('d').digest('hex').slice(0, 8)", "e7ea21c3"),
    "https": ("return new Promise((done) => https.get('https://x.test/', (res) => { let s = ''; res.on('data', (d) => s += d).on('end', () => done([res.statusCode, s])) }))", [200, '{"ok":true}']),
    "zlib.zlib": ("return zlib.zlib.gunzipSync(zlib.zlib.gzipSync('text')).toString()", "text"),
    "Buffer": ("return Buffer.from('é').toString('base64url')", "w6k"),
    "URL": ("return new URL('../b?c=d', 'https://x.test/a/').href", "https://x.test/b?c=d"),
    "URLSearchParams": ("return String(new URLSearchParams({ a: 'b c' }))", "a=b+c"),
    "setTimeout": ("return new Promise((done) => setTimeout(done, 1, 'late'))", "late"),
    "clearTimeout": ("let ran = 0; clearTimeout(setTimeout(() => ran++, 0)); await new Promise((done) => setTimeout(done, 5)); return ran", 0),
    "setInterval": ("let n = 0; return new Promise((done) => { const i = setInterval(() => { if (++n > 2) { clearInterval(i); done(n) } }, 1) })", 3),
    "clearInterval": ("let n = 0; clearInterval(setInterval(() => n++, 1)); await new Promise((done) => setTimeout(done, 5)); return n", 0),
    "console": ("console.log('%s is %d', 'x', 1); return typeof console.table", "function"),
    "window": ("window.mine = 1; return mine + (window === globalThis)", 2),
    "cache": ("return [await cache.load('k', 1000, async () => 5), await cache.load('k', 1000, async () => 6)]", [5, 5]),
    "_": ("return _.map({ a: 1 }, (v, k) => k + v)", ["a1"]),
    "moment": ("return moment.tz('2024-07-01T00:00:00Z', 'Europe/Paris').format('H:mm Z')", "2:00 +02:00"),
    "xml": ("return xml({ a: [{ _attr: { b: 1 } }, 'c'] })", '<a b="1">c</a>'),
    "xml2js": ("return xml2js.parseStringPromise('<a><b>1</b></a>')", {"a": {"b": ["1"]}}),
    "jsonwebtoken": ("return jsonwebtoken.verify(jsonwebtoken.sign({ a: 1 }, 's', { noTimestamp: true }), 's')", {"a": 1}),
    "OAuth": ("return new OAuth.OAuth('', '', 'k', 's', '1.0A', null, 'HMAC-SHA1').authHeader('https://x.test/', 't', 'u').startsWith('OAuth oauth_consumer_key=\"k\"')", True),
    "uuidv5.uuidv5": ("return String(uuidv5.uuidv5('dns', 'example.com'))", "cfbff0d1-9375-5685-968c-48ce8b15ae17"),
    "fetchretrylib.fetchretry": ("const again = fetchretrylib.fetchretry(fetch); return (await again('https://x.test/')).status", 200),
    "aws4.aws4": ("return aws4.aws4.sign({ service: 's3', path: '/' }, { accessKeyId: 'a', secretAccessKey: 'b' }).headers.Authorization.slice(0, 16)", "AWS4-HMAC-SHA256"),
    "cryptojslib.cryptojs": ("return cryptojslib.cryptojs.MD5('a').toString()", "0cc175b9c0f1b6a831c399e269772661"),
    "libphonenumberjslib.libphonenumberjs": ("return libphonenumberjslib.libphonenumberjs.parsePhoneNumber('+14155552671').country", "US"),
    "AWS": ("return new AWS.S3({ region: 'eu-west-1', accessKeyId: 'a', secretAccessKey: 'b' }).getSignedUrl('getObject', { Bucket: 'bucket', Key: 'k' }).split('?')[0]", "https://bucket.s3.eu-west-1.amazonaws.com/k"),
    "stripe": ("return stripe('sk').webhooks.generateTestHeaderString({ payload: '{}', secret: 's', timestamp: 1 }).slice(0, 7)", "t=1,v1="),
    "twilio": ("const t = new twilio.twiml.MessagingResponse(); t.message('hi'); return String(t).includes('<Message>hi</Message>')", True),
    "sendgrid.client": ("sendgrid.client.setApiKey('SG.x'); return (await sendgrid.client.request({ method: 'GET', url: '/v3/x' }))[0].statusCode", 200),
    "sendgrid.mail": ("sendgrid.mail.setApiKey('SG.x'); return (await sendgrid.mail.send({ to: 'a@b.c', from: 'd@e.f', subject: 's', text: 't' }))[0].statusCode", 200),
    "jsforce": ("return String(jsforce.SfDate.parseDate('2024-01-01T00:00:00Z').toISOString())", "2024-01-01T00:00:00.000Z"),
    "hubspotlib.hubspot": ("const c = new hubspotlib.hubspot.Client({ accessToken: 't' }); return (await (await c.apiRequest({ path: '/x' })).json()).ok", True),
    "mailchimplib.mailchimp": ("mailchimplib.mailchimp.setConfig({ apiKey: 'k', server: 'us1' }); return (await mailchimplib.mailchimp.ping.get()) !== undefined", True),
    "nodemailjet.nodemailjet": ("return typeof nodemailjet.nodemailjet.apiConnect('a', 'b').post('send', { version: 'v3.1' }).request", "function"),
    "skyflowlib.skyflow": ("const { Skyflow } = skyflowlib.skyflow; return typeof Skyflow.init({ vaultID: 'v', vaultURL: 'https://x.test', getBearerToken: async () => 't' }).insert", "function"),
    "winstonlib.winston": ("const m = new winstonlib.winston.transports.Memory(); new winstonlib.winston.Logger({ transports: [m] }).info('x'); return m.writeOutput", ["info: x"]),
    "akeylessLabs.akeyless": ("return akeylessLabs.akeyless.Auth.constructFromObject({ 'access-id': 'p-1' })['access-id']", "p-1"),
    "oneSignal.oneSignal": ("const n = new oneSignal.oneSignal.Notification(); n.app_id = 'a'; return JSON.parse(JSON.stringify(n)).app_id", "a"),
    "sentrylib.sentry": ("sentrylib.sentry.init({ dsn: 'https://k@s.test/1' }); return [typeof sentrylib.sentry.captureMessage('x'), await sentrylib.sentry.flush(1000)]", ["string", True]),
    "clickHouseClient.clickHouseClient": ("const c = clickHouseClient.clickHouseClient.createClient({ url: 'https://x.test' }); return (await c.ping()).success", True),
    "azure.identity": ("return new azure.identity.ClientSecretCredential('11111111-2222-3333-4444-555555555555', 'c', 's').constructor.name", "ClientSecretCredential"),
    "azure.synapse": ("return typeof new azure.synapse.AccessControlClient({ getToken: async () => null }, 'https://x.test').roleDefinitions.listRoleDefinitions", "function"),
    "google.cloud.bigquery": ("return new google.cloud.bigquery.BigQuery({ projectId: 'p' }).dataset('d').table('t').id", "t"),
    "google.cloud.storage": ("return new google.cloud.storage.Storage({ projectId: 'p' }).bucket('b').file('f').name", "f"),
}  # fmt: skip
REFUSED: Final = {
    "akeylessLabs.akeylessCloudId", "azure.eventHubs", "jsftp", "pg.pg", "snowflakesdk.snowflakesdk",
    *(f"google.cloud.{name}" for name in ("automl", "datastore", "firestore", "functions", "pubsub", "tasks")),
}  # fmt: skip
INSTEAD: Final = re.compile(r"; (call|post|put|send|ask|use|write) ")


@pytest.mark.parametrize("name", USES)
async def test_a_global_does_what_it_is_there_for(name: str, scripts: Scripts) -> None:
    body, expected = USES[name]
    script = await scripts.body(body)
    assert await script.value(host=FakeHost()) == expected


@pytest.mark.parametrize("name", sorted(REFUSED))
async def test_a_global_that_is_refused_says_why_and_what_to_do_instead(name: str, scripts: Scripts) -> None:
    script = await scripts.body(f"return new {name}.Client()")
    thrown = await script.thrown()
    package = next(library.package for library in catalogue() if library.name == name)
    assert thrown.message.startswith(f"{name} ({package}) can't be used here: it ")
    assert INSTEAD.search(thrown.message)


def test_there_is_no_library_without_its_line() -> None:
    assert {library.name for library in catalogue()} <= USES.keys() | REFUSED
    assert {library.name for library in catalogue() if library.why} == REFUSED
