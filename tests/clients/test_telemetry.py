"""What functions tell of themselves: winston to the console, Sentry to its project."""

from __future__ import annotations

import json
from typing import Any

from tests.clients.hosts import Answer, ServiceHost
from tests.javascript import FakeHost, Scripts

INGEST = "https://o1.ingest.sentry.io/api/42/envelope/"


async def test_winston_writes_to_the_console(scripts: Scripts) -> None:
    host = FakeHost()
    script = await scripts.body("""
      const winston = winstonlib.winston;
      const logger = new winston.Logger({ level: 'info', transports: [new winston.transports.Console({ json: false })] });
      logger.info('one', { user: 'u1' });
      logger.debug('not this');
      logger.error('two %s', 'ü');
      winston.warn('three');
    """)
    await script.value(host=host)
    assert host.lines == [
        ("log", "info: one user=u1"),
        ("error", "error: two ü"),
        ("log", "warn: three"),
    ]


async def test_winston_keeps_in_memory_and_hands_on(scripts: Scripts) -> None:
    script = await scripts.body("""
      const winston = winstonlib.winston, memory = new winston.transports.Memory();
      const logger = new winston.Logger({ transports: [memory] }), heard = [];
      logger.on('logging', (transport, level, text) => heard.push([transport.name, level, text]));
      await new Promise((done) => logger.log('info', 'kept', done));
      return [memory.writeOutput, heard];
    """)
    assert await script.value() == [["info: kept"], [["memory", "info", "kept"]]]


async def test_winston_says_that_there_are_no_files(scripts: Scripts) -> None:
    script = await scripts.body("""
      const winston = winstonlib.winston;
      try { new winston.Logger({ transports: [new winston.transports.File({ filename: '/tmp/x.log' })] }).info('x') }
      catch (error) { return error.message }
    """)
    assert await script.value() == "fs.stat can't be used: a function has no files, sockets or processes"


async def test_sentry_is_told_of_errors_and_messages(scripts: Scripts) -> None:
    host = ServiceHost(Answer("POST", INGEST, {"id": "e1"}))
    script = await scripts.body("""
      const sentry = sentrylib.sentry;
      sentry.init({ dsn: 'https://key@o1.ingest.sentry.io/42', environment: 'live', tracesSampleRate: 0 });
      sentry.setUser({ id: 'u1' });
      sentry.addBreadcrumb({ message: 'before' });
      const id = sentry.withScope((scope) => {
        scope.setTag('kind', 'order');
        return sentry.captureException(new TypeError('broken'));
      });
      sentry.captureMessage('told', 'warning');
      return [/^[0-9a-f]{32}$/.test(id), await sentry.flush(2000)];
    """)
    assert await script.value(host=host) == [True, True]
    told = [event_of(host.requests[index].body or b"") for index in range(2)]
    error, message = (told[0], told[1]) if "exception" in told[0] else (told[1], told[0])
    assert error["exception"]["values"][0]["type"] == "TypeError"
    assert error["exception"]["values"][0]["value"] == "broken"
    assert error["tags"] == {"kind": "order"}
    assert error["user"] == {"id": "u1"}
    assert error["environment"] == "live"
    assert error["breadcrumbs"][0]["message"] == "before"
    assert (message["message"], message["level"]) == ("told", "warning")
    assert "sentry_key=key" in host.sent().line


def event_of(envelope: bytes) -> dict[str, Any]:
    """The event in an envelope: its third line."""
    event: dict[str, Any] = json.loads(envelope.split(b"\n")[2])
    return event
