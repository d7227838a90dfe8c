"""Hostile code for Python within WebAssembly: each event names one attack, and what comes back says how far it got.

This is the code that is loaded; it is not imported.  An attack that succeeds returns ``through``.
"""

import gc
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import wit_world

THROUGH = "through"
KEPT = []
ARMED, ASK, LOG, END = 1, 2, 3, 4


def on_track(event, settings):
    return globals()[event["attack"]](event)


def on_page(event, settings):
    """The canary."""
    return {"sum": sum(event["numbers"])}


def tried(*acts):
    """``through`` where one of them raised nothing."""
    said = []
    for act in acts:
        try:
            act()
        except Exception as error:
            said.append(type(error).__name__)
        else:
            return THROUGH
    return said


# ---------------------------------------------------------------- time


def loop(event):
    while True:
        pass


def loop_that_swallows_everything(event):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def backtrack(event):
    return bool(re.match(r"(a+)+$", "a" * 40 + "b"))


def big_number(event):
    return len(bin(7 ** (10**9)))


def sleep_for_ever(event):
    time.sleep(1e9)


def sleep_in_c(event):
    select.select([], [], [], 1e5)


def wait_for_nobody(event):
    threading.Event().wait()


def wait_for_a_frame(event):
    while True:
        wit_world.receive(-1.0)


def drip(event):
    while True:
        wit_world.send(LOG, '{"level":"log","text":"x"}')
        time.sleep(0.01)


def never_read_answers(event):
    number = 0
    while True:
        number += 1
        wit_world.send(ASK, json.dumps({"op": "cache_load", "id": number, "key": "k"}))
        time.sleep(0.001)


# ---------------------------------------------------------------- memory and output


def allocate_much(event):
    KEPT.append(bytearray(1 << 30))


def grow_and_catch(event):
    held = []
    try:
        while True:
            held.append(bytearray(1 << 20))
    except MemoryError:
        size = len(held)
        held.clear()
        return size < 128


def grow(event):
    while True:
        KEPT.append([None] * 100_000)


def return_much(event):
    return "x" * (20 << 20)


def print_much(event):
    for _ in range(2000):
        print("x" * 10_000)
    return "done"


def draw_much_chance(event):
    return tried(lambda: os.urandom(1 << 31))


# ---------------------------------------------------------------- stacks


def recurse(event):
    return recurse(event)


def recurse_without_limit(event):
    sys.setrecursionlimit(10**9)
    return recurse(event)


def recurse_in_c(event):
    nested = []
    for _ in range(1_000_000):
        nested = [nested]
    return len(repr(nested))


def compile_what_nests(event):
    return eval("(" * 100_000 + ")" * 100_000)


def compare_what_nests(event):
    one, two = [], []
    for _ in range(1_000_000):
        one, two = [one], [two]
    return one == two


# ---------------------------------------------------------------- an early end


def exit_at_once(event):
    os._exit(0)


def abort(event):
    os.abort()


def broken_bytecode(event):
    def f():
        return 1

    f.__code__ = f.__code__.replace(co_code=bytes([255, 255] * 50), co_stacksize=1)
    return f()


def raise_a_signal(event):
    return tried(lambda: signal.raise_signal(signal.SIGABRT))


# ---------------------------------------------------------------- the world outside


def read_files(event):
    found = tried(
        *(
            lambda path=path: open(path).read()
            for path in (event["secret"], "/etc/passwd", "/proc/self/environ")
        )
    )
    return found


def list_directories(event):
    return tried(*(lambda path=path: os.listdir(path) for path in ("/", ".", "/proc", "/tmp", event["home"])))


def write_files(event):
    return tried(
        *(lambda path=path: open(path, "w") for path in ("/tmp/x", "x", "/dev/null", event["secret"]))
    )


def look_at_the_environment(event):
    return [name for name in os.environ if name not in {"PYTHONHOME", "PYTHONPATH", "PYTHONUNBUFFERED"}]


def connect(event):
    def over(family, kind, address):
        made = socket.socket(family, kind)
        made.connect(address)

    return tried(
        lambda: over(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", event["port"])),
        lambda: over(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", event["port"])),
        lambda: socket.create_server(("127.0.0.1", 0)),
    )


def resolve_a_name(event):
    return tried(lambda: socket.getaddrinfo("localhost", 80))


def start_a_process(event):
    return tried(
        lambda: subprocess.run(["/bin/true"]),
        lambda: os.system("true"),
        lambda: os.fork(),
        lambda: os.execv("/bin/true", [""]),
    )


def kill_somebody(event):
    return tried(lambda: os.kill(event["engine"], 9), lambda: os.kill(1, 9))


def make_a_thread(event):
    return tried(lambda: vars(threading)["Thread"](target=print).start())


def load_a_library(event):
    return tried(lambda: __import__("ctypes"), lambda: __import__("_ctypes"), lambda: __import__("msgspec"))


# ---------------------------------------------------------------- other calls


def leave_traces(event):
    KEPT.append("secret of a call")
    json.loads = print = None
    sys.modules["trace_of_a_call"] = json
    os.environ["TRACE"] = "left"
    __builtins__.TRACE = 1 if not isinstance(__builtins__, dict) else __builtins__.update(TRACE=1)
    time.time = lambda: 0
    return "left"


def find_traces(event):
    found = [
        bool(KEPT),
        json.loads is None,
        "trace_of_a_call" in sys.modules,
        "TRACE" in os.environ,
        time.time() == 0,
    ]
    try:
        found.append(bool(TRACE))
    except NameError:
        found.append(False)
    return any(found)


def look_for_others_settings(event):
    wanted = "another" + "s secret"
    seen = [each for each in gc.get_objects() if isinstance(each, dict) and wanted in map(str, each.values())]
    return THROUGH if seen else "none"


# ---------------------------------------------------------------- the connection


def end(value='"forged"'):
    wit_world.send(END, f'{{"ok":true,"value":{value}}}')


def forge_an_end(event):
    end()
    return "late"


def read_the_next_call(event):
    end()
    while True:
        try:
            wit_world.receive(-1.0)
        except BaseException:
            pass


def loop_after_the_end(event):
    end()
    while True:
        pass


def say_that_it_is_ready(event):
    end()
    wit_world.send(ARMED, "")
    while True:
        call = wit_world.receive(-1.0)
        end(json.dumps(call))


def be_ready_twice(event):
    wit_world.send(ARMED, "")
    return THROUGH


def unknown_kind(event):
    wit_world.send(200, "x")
    time.sleep(1e9)


def write_garbage(event):
    for kind in (ASK, LOG, END):
        wit_world.send(kind, "\x00garbage")
    time.sleep(1e9)


def write_what_is_no_text(event):
    return tried(lambda: wit_world.send(LOG, "\ud800"))


def announce_much(event):
    wit_world.send(END, '{"ok":true,"value":"' + "x" * (16 << 20) + '"}')
    return THROUGH


def flood_of_lines(event):
    for _ in range(20_000):
        wit_world.send(LOG, '{"level":"log","text":"x"}')
    return "done"


def flood_of_operations(event):
    for number in range(200_000):
        wit_world.send(ASK, '{"op":"cache_delete","key":"k"}')
    return THROUGH


def fetch_that_is_none(event):
    wit_world.send(ASK, '{"op":"fetch","id":1,"url":5}')
    time.sleep(1e9)


def strange_numbers(event):
    nan, inf = float("nan"), float("inf")
    for number in (nan, -inf, -1.0):
        wit_world.rest(number)
    wit_world.receive(0.0)
    return "done"


def strange_times(event):
    wit_world.begin(1e300)
    time.time()
    return THROUGH
