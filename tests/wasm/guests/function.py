"""A function in Python for the world isthmus:function, built by componentize-py; what it does says the event's name."""

import json
import os
import random
import socket
import time

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import cache, fetch, log, segment
from wit_world.imports.types import (
    Argument_Batch,
    Argument_Request,
    Body_Text,
    Error,
    ErrorKind_Other,
    ErrorKind_Retry,
    Handler,
    Item,
    Outcome_Done,
    Outcome_Items,
    Outcome_Value,
    Setting_Boolean,
    Setting_Mapping,
)

calls = 0


def value(of):
    return Outcome_Value(json.dumps(of))


def plain(setting):
    return dict(setting.value) if isinstance(setting, Setting_Mapping) else setting.value


def attempt(act):
    try:
        return repr(act())
    except BaseException as error:
        return type(error).__name__


def connect():
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("127.0.0.1", 80))


ATTEMPTS = {
    "read": lambda: open("/etc/passwd").read(),
    "write": lambda: open("/tmp/isthmus-was-here", "w").write("x"),
    "list": lambda: os.listdir("/"),
    "make": lambda: os.mkdir("/tmp/isthmus-was-here"),
    "up": lambda: open("../../../../etc/hostname").read(),
    "proc": lambda: open("/proc/self/environ").read(),
    "connect": connect,
    "resolve": lambda: socket.getaddrinfo(b"127.0.0.1", 80),
    "run": lambda: os.system("true"),
    "environ": lambda: {name: text for name, text in os.environ.items() if "PYTHON" not in name},
}


def on_event(event, settings):
    global calls
    calls += 1
    match event.name:
        case "who":
            return value([event.kind, event.message_id, event.user_id, event.name, json.loads(event.json)])
        case "settings":
            return value({name: plain(setting) for name, setting in settings})
        case "fetch":
            headers = [("content-type", "application/json")]
            request = fetch.Request(
                "POST", "https://api.example.com/a", headers, Body_Text('{"a":1}'), fetch.Redirect.ERROR
            )
            response = fetch.fetch(request)
            return value([response.status, response.url, json.loads(response.body.value)])
        case "cache":
            if (held := cache.load("k")) is None:
                cache.store("k", '"kept"', None)
            return value(held and json.loads(held))
        case "log":
            print("printed")
            log.log(log.Level.WARN, "logged")
            return Outcome_Done()
        case "retry":
            raise Err(Error(ErrorKind_Retry(), "later"))
        case "other":
            raise Err(Error(ErrorKind_Other("TeapotError"), "short and stout"))
        case "raise":
            raise KeyError("unexpected")
        case "memory":
            return value(len(bytearray(1 << 30)))
        case "calls":
            return value(calls)
        case "chance":
            return value([random.random(), time.time()])
        case "attempts":
            return value({name: attempt(act) for name, act in ATTEMPTS.items()})
        case _:
            return Outcome_Done()


class Handlers(exports.Handlers):
    def offered(self):
        return [Handler.ON_TRACK, Handler.ON_BATCH, Handler.ON_REQUEST]

    def handle(self, call):
        if isinstance(call.argument, Argument_Batch):
            return Outcome_Items(
                [
                    Item(200 if each.user_id else 400, None if each.user_id else "no user")
                    for each in call.argument.value
                ]
            )
        if isinstance(call.argument, Argument_Request):
            request = call.argument.value
            segment.send(json.dumps({"type": "track", "event": request.body.value, "userId": request.method}))
            return Outcome_Done()
        return on_event(call.argument.value, call.settings)


assert Setting_Boolean
