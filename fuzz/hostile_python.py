"""Hostile programs in Python, by a grammar of what hurts a host: all are text that may be a module, and most do something odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from fuzz.choices import Choices

__all__ = ["python_program"]

MOST: Final = 16_000
"""Characters of a program, about: a grammar has no other end."""

NAMES: Final = ("a", "b", "c", "d", "event", "settings")
ATOMS: Final = (
    "None", "0", "-1", "1e308", "float('nan')", "float('inf')", "2 ** 64", "10 ** 5000", "True", "''", "'x'", r"'\0'", r"'\ud800'",
    "b'\\xff'", "'x' * 10000", "'https://x.test/'", "'https://x.test/fail'", "'https://x.test/large'", "[]", "{}", "()", "set()",
    "object()", "lambda *a, **k: a", "range(10 ** 9)", "...", "NotImplemented", "1j", "frozenset({1})", "memoryview(b'x')",
    "{'status': 200}", "{1: 2}", "{(): 1}", "[[[]]]",
)  # fmt: skip
THINGS: Final = (
    "sys", "os", "gc", "json", "builtins", "threading", "asyncio", "isthmus_guest", "segment", "cache", "type", "object", "dict",
    "BaseException", "Exception", "RetryError", "InvalidEventPayload", "sys.modules", "sys.stdout", "sys.stderr", "json.JSONEncoder",
    "globals()", "locals()", "vars(builtins)", "on_track", "on_identify", "os.environ", "signal", "socket", "time", "random",
    "sys._getframe()", "gc.get_objects()[:9]", "print", "dict.__subclasses__()", "().__class__.__base__.__subclasses__()[:99]",
)  # fmt: skip
KEYS: Final = (
    "__class__", "__dict__", "__call__", "__getattr__", "__str__", "__repr__", "__init__", "__del__", "__eq__", "__hash__",
    "__globals__", "__code__", "__traceback__", "__context__", "__cause__", "write", "flush", "name", "args", "retry_after",
    "append", "update", "load", "track", "_channel", "path", "exit", "close", "encode", "default", "items", "x",
)  # fmt: skip
CALLS: Final = (
    "fetch", "cache.load", "cache.delete", "sleep", "segment.track", "segment.identify", "log.info", "print", "print",
    "json.dumps", "json.loads", "eval", "exec", "getattr", "setattr", "delattr", "type", "open", "compile", "__import__",
    "os.listdir", "os.open", "os.read", "os.write", "os.close", "os.fork", "os.kill", "os.system", "sys.setrecursionlimit",
    "sys.settrace", "sys.setprofile", "gc.collect", "signal.signal", "signal.alarm", "socket.socket", "subprocess.run",
    "threading.Thread", "asyncio.run", "warnings.warn", "sys.exit", "random.seed", "time.sleep", "isinstance", "sorted", "sum",
    "RetryError", "DropEvent", "segment.group", "acapability", "capability", "afetch", "int", "str", "bytes", "list", "iter",
)  # fmt: skip
HEAVY: Final = (
    "'x' * 2 ** 30", "bytearray(2 ** 28)", "[0] * 2 ** 26", "list(range(10 ** 7))", "10 ** 10 ** 6", "'a' * 10 ** 6 + 'b' * 10 ** 6",
    "re.match(r'(a+)+$', 'a' * 40 + 'b')", "re.compile('(' * 5000)", "int('9' * 4300) ** 500", "str(10 ** 4000) * 100",
    "json.loads('[' * 100000)", "eval('(' * 500)", "compile('x=' * 5000 + '1', '', 'exec')", "hash((1,) * 10 ** 6)", "sorted(range(10 ** 6))",
    "hashlib.pbkdf2_hmac('sha512', b'x', b'y', 10 ** 6)", "zlib.decompress(zlib.compress(bytes(10 ** 7)))", "json.dumps(list(range(10 ** 5)))",
    "{i: i for i in range(10 ** 6)}", "decimal.Decimal(2) ** 10 ** 6", "'%s' % ('x' * 10 ** 7)", "eval('1' + '+1' * 90000)",
)  # fmt: skip
ENDLESS: Final = (
    "while True: pass", "while True:\n    try: raise BaseException\n    except BaseException: pass", "for _ in iter(int, 1): pass",
    "a = []\nwhile True: a.append(a[:] + [1])", "while True: print('x')", "while True: threading.Thread(target=lambda: None).start()",
    "threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()", "while True: os.write(1, b'x')",
    "def loop(n): return loop(n + 1)\nloop(0)", "sys.setrecursionlimit(10 ** 9)\ndef deep(n): return deep(n + 1)\ndeep(0)",
    "sleep(3600)", "time.sleep(3600)", "threading.Event().wait()", "a = 3\nwhile True: a = a * a", "gc.callbacks.append(lambda *a: 1)\nwhile True: [[]]",
    "while True: os.close(os.dup(1))", "atexit.register(lambda: [0 for _ in iter(int, 1)])", "while True: exec('x = 1')",
    "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\nwhile True: pass", "class D:\n    def __del__(self): D()\nD()",
    "asyncio.run(asyncio.sleep(3600))", "for each in range(3, 64):\n    try: os.write(each, b'\\0' * 9)\n    except OSError: pass",
    "for each in range(0, 64):\n    try: os.close(each)\n    except OSError: pass", "os._exit(7)", "os.kill(os.getpid(), 9)", "os.abort()",
    "for each in range(3, 64):\n    try: os.write(each, b'\\x05\\0\\0\\0\\x04{}{}{')\n    except OSError: pass",
    "import ctypes\nctypes.string_at(0)", "import faulthandler\nfaulthandler._sigsegv()", "signal.raise_signal(signal.SIGSTOP)",
    "while True:\n    try: os.fork()\n    except BaseException: break", "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
    "sys.stdout.buffer.write(b'\\xff' * 10 ** 6)", "print('x' * 10 ** 6)", "for n in range(9999): print(n)", "raise SystemExit(a)",
    "raise KeyboardInterrupt", "raise ExceptionGroup('x', [ValueError(), RetryError('y')])", "raise type('E', (Exception,), {'__str__': lambda s: 1 / 0})()",
    "raise type('E' * 10000, (BaseException,), {})('\\ud800')", "raise StopIteration", "raise GeneratorExit", "raise MemoryError", "raise RecursionError",
)  # fmt: skip
BINARY: Final = ("+", "-", "*", "%", "//", "<<", "&", "==", "in", "is", "or", "and", "<")
HEAD: Final = """import asyncio, atexit, builtins, decimal, gc, hashlib, json, os, random, re, signal, socket, subprocess, sys, threading, time, warnings, zlib
import isthmus_guest
from isthmus_guest import *
a, b, c, d = 0, [], {}, 'text'
"""


@final
class _Writer:
    """Writes one program, statement by statement.

    Args:
        choices: decide.
        brief: nothing that it writes takes long, by itself.
    """

    def __init__(self, choices: Choices, *, brief: bool = False) -> None:
        self._choices = choices
        self._brief = brief
        self._size = 0

    def _take(self, text: str) -> str:
        self._size += len(text)
        return text

    def _over(self, depth: int) -> bool:
        return depth <= 0 or self._size > MOST or self._choices.spent

    # ------------------------------------------------------------ expressions

    def expression(self, depth: int) -> str:
        if self._over(depth):
            return self._take(self._choices.one_of((*NAMES, *ATOMS[:8])))
        forms: tuple[Callable[[int], str], ...] = (
            self._leaf,
            self._leaf,
            self._member,
            self._call,
            self._host_call,
            self._container,
            self._operation,
            self._lambda,
            self._odd_object,
            self._comprehension,
            self._heavy,
        )
        return self._choices.one_of(forms[:-2] if self._brief else forms)(depth - 1)

    def _leaf(self, _depth: int) -> str:
        return self._take(self._choices.one_of(self._choices.one_of((NAMES, ATOMS, THINGS))))

    def _heavy(self, depth: int) -> str:
        return (
            self._take(f"({self._choices.one_of(HEAVY)})") if self._choices.happens(3) else self._leaf(depth)
        )

    def _member(self, depth: int) -> str:
        return f"({self.expression(depth)}).{self._choices.one_of(KEYS)}"

    def _arguments(self, depth: int) -> str:
        given = [self.expression(depth) for _ in range(self._choices.number(4))]
        if given and self._choices.happens(5):
            given[-1] = f"{self._choices.one_of(('*', '**', 'method=', 'headers=', 'body='))}({given[-1]})"
        return f"({', '.join(given)})"

    def _call(self, depth: int) -> str:
        return f"({self.expression(depth)}){self._arguments(depth)}"

    def _host_call(self, depth: int) -> str:
        return f"{self._choices.one_of(CALLS)}{self._arguments(depth)}"

    def _container(self, depth: int) -> str:
        one, other = self.expression(depth), self.expression(depth)
        return self._choices.one_of(
            (f"[{one}, {other}]", f"({one}, {other})", f"{{'x': {one}, 'y': {other}}}", f"{{{one}: {other}}}")
        )

    def _operation(self, depth: int) -> str:
        return f"(({self.expression(depth)}) {self._choices.one_of(BINARY)} ({self.expression(depth)}))"

    def _lambda(self, depth: int) -> str:
        return f"(lambda *a, **k: {self.expression(depth)})"

    def _comprehension(self, depth: int) -> str:
        return f"[{self.expression(depth)} for b in range({self._choices.one_of(('3', '1000', '10 ** 6'))})]"

    def _odd_object(self, depth: int) -> str:
        names = [self._choices.one_of(KEYS) for _ in range(1 + self._choices.number(3))]
        above = self._choices.one_of(("", "dict", "str", "int", "list", "Exception"))
        members = ", ".join(f"{name!r}: lambda *a, **k: {self.expression(depth)}" for name in names)
        return f"type('O', ({above + ',' if above else ''}), {{{members}}})()"

    # ------------------------------------------------------------ statements

    def statement(self, depth: int, indent: str) -> str:
        forms: tuple[Callable[[int, str], str], ...] = (
            self._plain,
            self._assignment,
            self._pollution,
            self._raise,
            self._loop,
            self._attempt,
            self._definition,
            self._endless,
            self._return,
        )
        return self._choices.one_of(forms[:4] if self._brief else forms)(depth - 1, indent)

    def _plain(self, depth: int, indent: str) -> str:
        return f"{indent}{self.expression(depth)}"

    def _assignment(self, depth: int, indent: str) -> str:
        return f"{indent}{self._choices.one_of(NAMES)} = {self.expression(depth)}"

    def _pollution(self, depth: int, indent: str) -> str:
        thing, key = self._choices.one_of(THINGS), self._choices.one_of(KEYS)
        form = self._choices.number(4)
        if form == 1:
            return f"{indent}del ({thing}).{key}"
        if form == 2:
            return f"{indent}({thing})[{key!r}] = {self.expression(depth)}"
        if form == 3:
            return f"{indent}({thing}).clear()"
        return f"{indent}({thing}).{key} = {self.expression(depth)}"

    def _loop(self, depth: int, indent: str) -> str:
        count = self._choices.one_of(("3", "100", "10 ** 4"))
        return f"{indent}for _ in range({count}):\n{self._block(depth, indent)}"

    def _attempt(self, depth: int, indent: str) -> str:
        last = f"\n{indent}finally:\n{self._block(depth, indent)}" if self._choices.happens(3) else ""
        caught = self._choices.one_of(("Exception", "BaseException"))
        return f"{indent}try:\n{self._block(depth, indent)}\n{indent}except {caught} as e:\n{self._block(depth, indent)}{last}"

    def _raise(self, depth: int, indent: str) -> str:
        return f"{indent}raise {self.expression(depth)}"

    def _definition(self, depth: int, indent: str) -> str:
        head = self._choices.one_of(
            (
                "def on_identify(event, settings):",
                "async def d(*a):",
                "class c(dict):",
                "def a(*b):",
                "with (a):",
            )
        )
        return f"{indent}{head}\n{self._block(depth, indent)}"

    def _endless(self, depth: int, indent: str) -> str:
        if not self._choices.happens(3):
            return self._plain(depth, indent)
        return "\n".join(indent + line for line in self._choices.one_of(ENDLESS).split("\n"))

    def _return(self, depth: int, indent: str) -> str:
        return f"{indent}return {self.expression(depth)}"

    def _block(self, depth: int, indent: str) -> str:
        inner = f"{indent}    "
        return f"{inner}pass" if self._over(depth) else self.statement(depth, inner)


def python_program(choices: Choices) -> str:
    """The code of a function whose ``on_track`` is hostile, and at times what is around it.

    What is around it takes no time: a function that does not load within its ten seconds is no finding.
    """
    outer, writer = _Writer(choices, brief=True), _Writer(choices)
    outside = [
        f"try:\n{outer.statement(3, '    ')}\nexcept Exception: pass"
        for _ in range(choices.number(3))
        if choices.happens(2)
    ]
    inside = [writer.statement(4, "    ") for _ in range(1 + choices.number(6))]
    kind = choices.one_of(("def", "def", "async def"))
    head = f"{kind} on_track(event, settings):\n    global a, b, c, d"
    return "\n".join([HEAD, *outside, head, *inside, ""])
