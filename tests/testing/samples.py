"""The kit's samples in the languages of the built-in runtimes."""

from __future__ import annotations

from tests.wasm.modules import command, plugin, says

JAVASCRIPT = {
    "echo": "function onTrack(event) { return event }",
    "settings": "function onTrack(event, settings) { return settings }",
    "nothing": "async function onTrack() {}",
    "retry": "async function onTrack() { throw new RetryError('later') }",
    "fault": "async function onTrack() { throw new TypeError('boom') }",
    "broken": "function onTrack() {\n  return {",
    "state": "let count = 0; async function onTrack() { count += 1; return count }",
    "loop": "function onTrack() { for (;;) {} }",
    "hoard": "function onTrack() { const all = []; for (;;) all.push(new Array(10000).fill({}).map(() => [1])) }",
    "bulky": "function onTrack() { return 'x'.repeat(100000) }",
    "chatter": "function onTrack() { for (const n of [1, 2, 3]) console.log('line', n) }",
    "flood": "function onTrack() { for (let n = 0; n < 20000; n++) console.log('line') }",
    "fetch": """async function onTrack() {
        const response = await fetch('https://kit.test/path', { method: 'POST', headers: { 'X-Kit': 'yes' }, body: 'hello' })
        return response.status
    }""",
    "nap": "async function onTrack() { await new Promise((woken) => setTimeout(woken, 20)); return 'woke' }",
    "sleep": "async function onTrack() { await new Promise((woken) => setTimeout(woken, 3600 * 1000)) }",
    "cached": "async function onTrack() { return await cache.load('k', 60000, async () => 'loaded') }",
    "capable": "async function onTrack() { return await capability('kit.double', { n: 21 }) }",
    "sends": "async function onRequest() { Segment.track({ event: 'Sent', userId: 'u' }) }",
    "batch": "async function onBatch() { return [{ status: 200 }, { status: 400 }] }",
    "clock": "function onTrack() { return [Date.now(), Math.random()] }",
}

PYTHON = {
    "echo": "def on_track(event, settings): return event",
    "settings": "def on_track(event, settings): return settings",
    "nothing": "def on_track(event, settings): pass",
    "retry": "from isthmus_guest import RetryError\ndef on_track(event, settings): raise RetryError('later')",
    "fault": "def on_track(event, settings): raise TypeError('boom')",
    "broken": "def on_track(event, settings):\n  return {",
    "state": "count = 0\ndef on_track(event, settings):\n  global count\n  count += 1\n  return count",
    "loop": "def on_track(event, settings):\n  while True: pass",
    "hoard": "def on_track(event, settings):\n  kept = []\n  while True: kept.append(bytearray(1024 * 1024))",
    "bulky": "def on_track(event, settings): return 'x' * 100000",
    "chatter": "def on_track(event, settings):\n  for n in (1, 2, 3): print('line', n)",
    "flood": "def on_track(event, settings):\n  for n in range(20000): print('line')",
    "fetch": """from isthmus_guest import fetch
def on_track(event, settings):
  return fetch('https://kit.test/path', method='POST', headers={'X-Kit': 'yes'}, body='hello').status""",
    "nap": "from isthmus_guest import sleep\ndef on_track(event, settings):\n  sleep(0.02)\n  return 'woke'",
    "sleep": "from isthmus_guest import sleep\ndef on_track(event, settings): sleep(3600)",
    "cached": "from isthmus_guest import cache\ndef on_track(event, settings): return cache.load('k', 60, lambda: 'loaded')",
    "capable": "from isthmus_guest import capability\ndef on_track(event, settings): return capability('kit.double', {'n': 21})",
    "sends": "from isthmus_guest import segment\ndef on_request(request, settings): segment.track(event='Sent', user_id='u')",
    "batch": "def on_batch(events, settings): return [{'status': 200}, {'status': 400}]",
    "clock": "import random, time\ndef on_track(event, settings): return [time.time() * 1000, random.random()]",
}

FETCHES = '{"op":"fetch","url":"https://kit.test/path","method":"POST","headers":{"X-Kit":"yes"},"body":"hello","redirect":"follow"}'
SLEEPS = '{"op":"sleep","ms":3600000}'


def asks(request: str) -> str:
    """A plug-in that asks its host for something, and puts out nothing."""
    data = request.replace('"', '\\"')
    uses = {"ask": "(param i64) (result i64)"}
    text = plugin(
        f"(drop (call $ask (call $block (i32.const 1024) (i32.const {len(request)})))) (i32.const 0)",
        uses=uses,
        data=data,
    )
    return text.replace('"extism:host/env" "ask"', '"extism:host/user" "isthmus_ask"')


WASM = {
    "echo": plugin(
        """
        (local $n i64) (local $i i64) (local $p i64)
        (local.set $n (call $input_length))
        (local.set $p (call $alloc (local.get $n)))
        (loop $each
          (if (i64.lt_u (local.get $i) (local.get $n))
            (then
              (call $store_u8 (i64.add (local.get $p) (local.get $i)) (call $input_load_u8 (local.get $i)))
              (local.set $i (i64.add (local.get $i) (i64.const 1)))
              (br $each))))
        (call $output_set (local.get $p) (local.get $n))
        (i32.const 0)
        """
    ),
    "nothing": command(""),
    "retry": says('{"error":{"name":"RetryError","message":"later"}}'),
    "fault": says('{"error":{"name":"TypeError","message":"boom"}}'),
    "broken": '(module (func (export "_start") (i32.add)))',
    "state": command(
        """
        (i64.store (i32.const 900) (i64.add (i64.load (i32.const 900)) (i64.const 1)))
        (call $out (i32.const 1024) (i32.const 10))
        (call $number (i64.load (i32.const 900)))
        (call $out (i32.const 1034) (i32.const 1))
        """,
        data='{\\"return\\":}',
    ),
    "loop": command("(loop $more (br $more))"),
    "hoard": command(
        "(loop $more (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then (unreachable))) (br $more))",
        pages="2",
    ),
    "bulky": command(
        """
        (memory.fill (i32.const 131072) (i32.const 120) (i32.const 100000))
        (call $out (i32.const 1024) (i32.const 11))
        (call $out (i32.const 131072) (i32.const 100000))
        (call $out (i32.const 1035) (i32.const 2))
        """,
        data='{\\"return\\":\\"\\"}',
        pages="4",
    ),
    "chatter": command(
        "(call $write (i32.const 2) (i32.const 1024) (i32.const 21))", data="line 1\\0aline 2\\0aline 3\\0a"
    ),
    "flood": command(
        """
        (local $n i32)
        (local.set $n (i32.const 20000))
        (loop $more
          (call $write (i32.const 2) (i32.const 1024) (i32.const 5))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $more (local.get $n)))
        """,
        data="line\\0a",
    ),
    "sleep": asks(SLEEPS),
    "sends": says('{"messages":[{"type":"track","event":"Sent","userId":"u"}]}'),
    "batch": says('{"return":[{"status":200},{"status":400}]}'),
}

WASM_LACKS = {
    "settings": "reading them takes a parser of JSON, and the samples are written by hand",
    "fetch": "reading a response takes a parser of JSON, and the samples are written by hand",
    "nap": "as fetch",
    "cached": "as fetch",
    "capable": "as fetch",
    "clock": "as fetch",
}
