"""The functions that the services of these tests run, good ones and hostile ones."""

from __future__ import annotations

import isthmus

LIMITS = isthmus.Limits(wall=60, cpu=0.3, memory=32 * 1024 * 1024)

CODES = {
    "greet": "async function onTrack(event) { return { hello: event.userId } }",
    "endless": "function onTrack() { for (;;); }",
    "eater": "function onTrack() { const all = []; for (;;) all.push('x'.repeat(100000) + all.length) }",
    "reacher": "async function onTrack(event) { return (await fetch(event.url)).status }",
    "sleeper": "async function onTrack() { await new Promise((done) => setTimeout(done, 600)); return 'awake' }",
    "seeker": "async function onTrack(event) { return await capability('city.of', event.userId) }",
}

FUNCTIONS = {
    name: isthmus.Function(
        name=name,
        kind=isthmus.Kind.DESTINATION,
        language="javascript",
        code=code,
        capabilities=("city.of",) if name == "seeker" else (),
    )
    for name, code in CODES.items()
}

CITIES = {"u1": "Oslo"}
