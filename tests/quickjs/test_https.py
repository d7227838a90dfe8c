"""https and http: Node's requests and responses, carried out by fetch."""

from __future__ import annotations

from typing import Any

import trio
from tests.javascript import FakeHost, Scripts

from isthmus.abc import FetchRequest, FetchResponse
from isthmus.errors import FetchError


class Server(FakeHost):
    """Answers with headers, or not at all."""

    def __init__(
        self, status: int = 201, fault: FetchError | None = None, body: bytes = b"h\xc3\xa9llo"
    ) -> None:
        super().__init__()
        self.status = status
        self.fault = fault
        self.body = body

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        await super().fetch(request)
        if self.fault is not None:
            raise self.fault
        headers = (
            ("Content-Type", "text/plain"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("X-A", "1"),
            ("X-A", "2"),
        )
        return FetchResponse(
            status=self.status, reason="Created", headers=headers, body=self.body, url=request.url
        )


POST = """
    const said = [];
    await new Promise((resolve) => {
        const body = JSON.stringify({ a: 1 });
        const options = {
            hostname: "api.example", port: 443, path: "/v1/things?x=1", method: "POST",
            headers: { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), "X-List": ["p", "q"] },
            auth: "me:secret", agent: new https.Agent({ keepAlive: true }),
        };
        const request = https.request(options, (response) => {
            said.push(response.statusCode, response.statusMessage, response.headers, response.rawHeaders.length);
            response.setEncoding("utf8");
            response.on("data", (chunk) => said.push(chunk));
            response.on("end", () => { said.push("end", response.complete); resolve(); });
        });
        request.on("error", (error) => { said.push(error.message); resolve(); });
        request.write(body);
        request.end();
    });
    return said;
"""


async def test_a_request_by_hand_goes_out_and_its_response_comes_in_events(scripts: Scripts) -> None:
    host = Server()
    said: Any = await (await scripts.body(POST)).value(host=host)
    headers = {"content-type": "text/plain", "set-cookie": ["a=1", "b=2"], "x-a": "1, 2"}
    assert said == [201, "Created", headers, 10, "h\u00e9llo", "end", True]
    [request] = host.requests
    assert (request.method, request.url, request.body) == (
        "POST",
        "https://api.example/v1/things?x=1",
        b'{"a":1}',
    )
    sent = [(name.lower(), value) for name, value in request.headers]
    assert ("authorization", "Basic bWU6c2VjcmV0") in sent
    assert [value for name, value in sent if name == "x-list"] == ["p", "q"]
    assert request.redirect == "manual"


GET = """
    const [one, two] = [new URL("https://api.example:8443/a?b=c"), "http://other.example/x"];
    const get = (module, ...given) => new Promise((resolve) => module.get(...given, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve(text);
    }));
    return [await get(https, one), await get(http, two, { headers: { a: "b" } })];
"""


async def test_get_takes_urls_and_a_response_is_an_async_iterator(scripts: Scripts) -> None:
    host = Server()
    assert await (await scripts.body(GET)).value(host=host) == ["h\u00e9llo", "h\u00e9llo"]
    assert [request.url for request in host.requests] == [
        "https://api.example:8443/a?b=c",
        "http://other.example/x",
    ]


FAILING = """
    return new Promise((resolve) => {
        const request = https.get("https://a.example/", () => resolve("answered"));
        request.on("error", (error) => resolve([error.name, error.message, error.code]));
    });
"""


async def test_what_fails_is_an_error_event_with_nodes_code(scripts: Scripts) -> None:
    text = "request to https://a.example/ failed, reason: connect ECONNREFUSED 10.0.0.1:443"
    host = Server(fault=FetchError(text, code="ECONNREFUSED"))
    said = await (await scripts.body(FAILING)).value(host=host)
    assert said == ["Error", "connect ECONNREFUSED 10.0.0.1:443", "ECONNREFUSED"]


async def test_an_error_nobody_listens_for_is_told_the_log(scripts: Scripts) -> None:
    host = Server(fault=FetchError("request to x failed, reason: gone", code="ENOTFOUND"))
    body = "https.get('https://a.example/'); await new Promise((resolve) => setTimeout(resolve, 1)); return 1"
    assert await (await scripts.body(body)).value(host=host) == 1
    assert any("gone" in text for text in host.texts)


DESTROYED = """
    return new Promise((resolve) => {
        const request = https.get("https://a.example/");
        const said = [];
        request.setTimeout(1, () => { said.push("timeout"); request.destroy(); });
        request.on("error", (error) => said.push(error.message, error.code));
        request.on("close", () => resolve(said));
    });
"""


async def test_a_time_out_is_an_event_and_destroys_nothing_by_itself(scripts: Scripts) -> None:
    host = FakeHost(gate=trio.Event())
    assert await (await scripts.body(DESTROYED)).value(host=host) == [
        "timeout",
        "socket hang up",
        "ECONNRESET",
    ]


REFUSED = """
    const attempt = (run) => { try { run(); return "done" } catch (e) { return [e.name, e.code] } };
    return [
        attempt(() => https.request("http://a.example/")),
        attempt(() => https.request({ host: "a.example", path: "/a b" })),
        attempt(() => https.request({ host: "a.example", cert: "x" })),
        attempt(() => https.request({ host: "a.example", agent: new https.Agent({ pfx: "x" }) })),
        attempt(() => https.createServer()),
    ];
"""


async def test_what_cannot_be_asked_is_refused_at_once(scripts: Scripts) -> None:
    unavailable = ["Error", "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM"]
    assert await (await scripts.body(REFUSED)).value() == [
        ["TypeError", "ERR_INVALID_PROTOCOL"],
        ["TypeError", "ERR_UNESCAPED_CHARACTERS"],
        unavailable,
        unavailable,
        unavailable,
    ]


async def test_a_client_that_waits_for_a_socket_or_to_be_told_to_go_on_is_told(scripts: Scripts) -> None:
    script = await scripts.body("""
      return new Promise((resolve, reject) => {
        const heard = [];
        const request = https.request({ host: 'a.example', method: 'PUT', headers: { Expect: '100-continue' } }, (response) =>
          resolve([heard, response.statusCode, https.STATUS_CODES[404]]));
        request.once('socket', (socket) => heard.push(['socket', socket.connecting]));
        request.once('continue', () => { heard.push('continue'); request.end('body'); });
        request.on('error', reject);
      });
    """)
    host = FakeHost()
    assert await script.value(host=host) == [[["socket", False], "continue"], 200, "Not Found"]
    assert host.requests[0].body == b"body"
    assert "expect" not in {name.lower() for name, _ in host.requests[0].headers}
