"""Events, their targets, signals that abort, and ports that hand each other messages (DOM, HTML)."""

from __future__ import annotations

import pytest
from tests.javascript import FakeHost, Scripts

SAID = "const said = [], say = (x) => void said.push(x);"
EVENTS = {
    "listeners are called in their order, with the target": (
        ("const t = new EventTarget(); t.addEventListener('x', function (e) { say([this === t, e.target === t, e.eventPhase]) });"
        "t.addEventListener('x', { handleEvent(e) { say(e.type) } }); t.dispatchEvent(new Event('x')); return said"),
        [[True, True, 2], "x"],
    ),
    "those that capture come first": (
        ("const t = new EventTarget(); t.addEventListener('x', () => say('bubble')); t.addEventListener('x', () => say('capture'), true);"
        "t.dispatchEvent(new Event('x')); return said"),
        ["capture", "bubble"],
    ),
    "one listener is there once": (
        ("const t = new EventTarget(), f = () => say(1); t.addEventListener('x', f); t.addEventListener('x', f);"
        "t.addEventListener('x', f, true); t.dispatchEvent(new Event('x')); return said.length"),
        2,
    ),
    "once is once, whatever it does": (
        ("const t = new EventTarget(); t.addEventListener('x', () => { say(1); t.dispatchEvent(new Event('x')) }, { once: true });"
        "t.dispatchEvent(new Event('x')); return said"),
        [1],
    ),
    "a signal takes a listener away": (
        ("const t = new EventTarget(), c = new AbortController(); t.addEventListener('x', () => say(1), { signal: c.signal });"
        "t.dispatchEvent(new Event('x')); c.abort(); t.dispatchEvent(new Event('x'));"
        "t.addEventListener('x', () => say(2), { signal: c.signal }); t.dispatchEvent(new Event('x')); return said"),
        [1],
    ),
    "a listener that is removed meanwhile is not called": (
        ("const t = new EventTarget(), second = () => say(2); t.addEventListener('x', () => t.removeEventListener('x', second));"
        "t.addEventListener('x', second); t.dispatchEvent(new Event('x')); return said"),
        [],
    ),
    "what is passive prevents nothing": (
        ("const t = new EventTarget(); t.addEventListener('x', (e) => { e.preventDefault(); say(e.defaultPrevented) }, { passive: true });"
        "t.addEventListener('x', (e) => { e.preventDefault(); say(e.defaultPrevented) });"
        "say(t.dispatchEvent(new Event('x', { cancelable: true }))); return said"),
        [False, True, False],
    ),
    "what can't be cancelled isn't": (
        "const e = new Event('x'); e.preventDefault(); return [e.defaultPrevented, new EventTarget().dispatchEvent(e), e.returnValue]",
        [False, True, True],
    ),
    "stopImmediatePropagation stops it": (
        ("const t = new EventTarget(); t.addEventListener('x', (e) => { say(1); e.stopImmediatePropagation() });"
        "t.addEventListener('x', () => say(2)); t.dispatchEvent(new Event('x')); return said"),
        [1],
    ),
    "its path is its target, while it is on its way": (
        ("const t = new EventTarget(), e = new Event('x'); t.addEventListener('x', () => say(e.composedPath()[0] === t));"
        "t.dispatchEvent(e); return [said, e.composedPath(), e.currentTarget, e.target === t]"),
        [[True], [], None, True],
    ),
    "an event on its way is not sent again": (
        ("const t = new EventTarget(); t.addEventListener('x', (e) => { try { t.dispatchEvent(e) } catch (error) { say(error.name) } });"
        "t.dispatchEvent(new Event('x')); return said"),
        ["InvalidStateError"],
    ),
    "nobody's event is trusted but the platform's": (
        ("const c = new AbortController(), e = new Event('x'); c.signal.onabort = (e) => say(e.isTrusted); c.abort();"
        "return [said, e.isTrusted, Reflect.getOwnPropertyDescriptor(e, 'isTrusted').configurable]"),
        [[True], False, False],
    ),
    "what is no event or no listener is refused": (
        ("for (const f of [() => new EventTarget().dispatchEvent({ type: 'x' }), () => new Event(), () => new EventTarget().addEventListener('x', 1),"
        " () => new EventTarget().addEventListener('x', () => {}, { signal: null })]) try { f() } catch (e) { say([e.name, e.code]) } return said"),
        [["TypeError", "ERR_INVALID_ARG_TYPE"], ["TypeError", "ERR_MISSING_ARGS"], ["TypeError", "ERR_INVALID_ARG_TYPE"],
         ["TypeError", "ERR_INVALID_ARG_TYPE"]],
    ),
    "a class may be an event target": (
        ("class Bus extends EventTarget { say(x) { this.dispatchEvent(new CustomEvent('said', { detail: x })) } }"
        "const bus = new Bus(); bus.addEventListener('said', (e) => say(e.detail)); bus.say({ a: 1 }); return said"),
        [{"a": 1}],
    ),
    "events carry what they are made with": (
        ("const custom = new CustomEvent('c', { detail: 5, bubbles: true }), error = new ErrorEvent('e', { message: 'm', lineno: 3, error: 7 }),"
        " message = new MessageEvent('m', { data: [1], origin: 'o' }), promise = Promise.resolve(),"
        " rejection = new PromiseRejectionEvent('r', { promise, reason: 'why' });"
        "return [custom.detail, custom.bubbles, error.message, error.lineno, error.error, message.data, message.origin, message.ports,"
        " rejection.promise === promise, rejection.reason, new CustomEvent('c').detail]"),
        [5, True, "m", 3, 7, [1], "o", [], True, "why", None],
    ),
    "a time is of this call": (
        "const e = new Event('x'); return e.timeStamp >= 0 && e.timeStamp < 1000",
        True,
    ),
    "signals that follow others go off with them": (
        ("const a = new AbortController(), b = new AbortController(), any = AbortSignal.any([a.signal, AbortSignal.any([b.signal])]);"
        "any.addEventListener('abort', () => say('any')); b.signal.addEventListener('abort', () => say(['b', any.aborted]));"
        "b.abort('why'); a.abort('other'); return [said, any.reason]"),
        [[["b", True], "any"], "why"],
    ),
    "timeouts of signals and timers go off in their order": (
        ("AbortSignal.timeout(4).onabort = () => say(4); setTimeout(() => say(3), 3); AbortSignal.timeout(2).onabort = () => say(2);"
        "AbortSignal.timeout(2 ** 40).onabort = () => say('soon'); await new Promise((r) => setTimeout(r, 8)); return said"),
        [2, 3, 4],
    ),
    "a signal is not made by hand": (
        "try { new AbortSignal() } catch (e) { return e.code }",
        "ERR_ILLEGAL_CONSTRUCTOR",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), EVENTS.values(), ids=EVENTS.keys())
async def test_events(scripts: Scripts, body: str, expected: object) -> None:
    assert await (await scripts.body(SAID + body)).value() == expected


async def test_a_listener_that_throws_is_told_in_the_log_and_the_next_is_called(scripts: Scripts) -> None:
    host = FakeHost()
    body = (
        "const t = new EventTarget(); t.addEventListener('x', () => { throw new RangeError('mine') });"
        "t.addEventListener('x', {}); t.addEventListener('x', () => say('next')); t.dispatchEvent(new Event('x')); return said"
    )
    assert await (await scripts.body(SAID + body)).value(host=host) == ["next"]
    assert [text.splitlines()[0] for text in host.texts] == [
        "Uncaught RangeError: mine",
        "Uncaught TypeError: not a function",
    ]


PORTS = {
    "a message is a copy, and comes later": (
        (
            "const { port1, port2 } = new MessageChannel(), sent = { a: [1] };"
            "const heard = new Promise((r) => { port2.onmessage = (e) => r(e.data) }); port1.postMessage(sent); sent.a.push(2);"
            "return heard"
        ),
        {"a": [1]},
    ),
    "messages keep their order, and wait until someone listens": (
        (
            "const { port1, port2 } = new MessageChannel(); for (const n of [1, 2, 3]) port1.postMessage(n);"
            "return new Promise((r) => { port2.addEventListener('message', (e) => { say(e.data); if (said.length === 3) r(said) }); port2.start() })"
        ),
        [1, 2, 3],
    ),
    "jobs run before a message is heard": (
        (
            "const { port1, port2 } = new MessageChannel(); const heard = new Promise((r) => { port2.onmessage = () => r(say('message')) });"
            "port1.postMessage(1); for (let i = 0; i < 20; i++) await null; say('jobs'); await heard; return said"
        ),
        ["jobs", "message"],
    ),
    "a port that is closed hears nothing": (
        (
            "const { port1, port2 } = new MessageChannel(); port2.onmessage = () => say(1); port1.close(); port1.postMessage(1);"
            "await new Promise((r) => setTimeout(r, 5)); return said"
        ),
        [],
    ),
    "a port is handed on, and with it what it has not said": (
        (
            "const one = new MessageChannel(), two = new MessageChannel(); two.port1.postMessage('early');"
            "const got = new Promise((r) => { one.port2.onmessage = (e) => r(e.ports[0]) }); one.port1.postMessage('take', [two.port2]);"
            "const port = await got, heard = new Promise((r) => { port.onmessage = (e) => { say(e.data); if (said.length === 2) r() } });"
            "two.port1.postMessage('late'); await heard; return said"
        ),
        ["early", "late"],
    ),
    "a port goes nowhere by being copied": (
        (
            "const { port1, port2 } = new MessageChannel(); for (const f of [() => structuredClone(port1), () => port1.postMessage(port1, [port1]),"
            " () => port1.postMessage(() => {})]) try { f() } catch (e) { say(e.name) } return said"
        ),
        ["DataCloneError"] * 3,
    ),
    "a buffer is handed over, not copied": (
        (
            "const { port1, port2 } = new MessageChannel(), b = new Uint8Array([1, 2]).buffer;"
            "const heard = new Promise((r) => { port2.onmessage = (e) => r(e.data) }); port1.postMessage(b, { transfer: [b] });"
            "return [b.byteLength, b.detached, [...new Uint8Array(await heard)]]"
        ),
        [0, True, [1, 2]],
    ),
}


@pytest.mark.parametrize(("body", "expected"), PORTS.values(), ids=PORTS.keys())
async def test_ports(scripts: Scripts, body: str, expected: object) -> None:
    assert await (await scripts.body(SAID + body)).value() == expected
