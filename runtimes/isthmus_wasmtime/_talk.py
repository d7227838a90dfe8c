"""What one call's guest and its host say to each other, from the guest's thread."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from isthmus.abc import Call, FetchRequest, FetchResponse, Host, Killed, Thrown
from isthmus.errors import CapabilityError, FetchError, RuntimeFault

from . import _kernel as kernel
from ._asked import LONGEST_WAIT, do
from ._course import Ended, Place, Sealed
from ._log import Log
from ._operations import Operation, answer, joined_headers, parse_http_request, parse_operation, refusal

if TYPE_CHECKING:
    from isthmus.limits import Limits

    from ._world import World

__all__ = ["OVER", "Talk"]

LOG_STREAM: Final = 3
LEVELS: Final = ("debug", "debug", "info", "warn", "error")
MOST_VARS: Final = 1024 * 1024
"""Bytes of an Extism plug-in's variables, as Extism's own default is."""
NOTHING: Final = -1
OVER: Final = "the call took longer than its limit of {:g} s"

T = TypeVar("T")


class Talk:
    """The host's side of one call.

    Attributes:
        call: what is run.
        data: its input: a command's standard input, or a plug-in's.
        stdin: whether it is the former.
        config: a plug-in's configuration.
        variables: a plug-in's variables.
        output: what came on standard output so far.
        log: what it has logged.
        messages: what a source function sends.
        killed: which limit has stopped the guest, or None.
        memory: bytes that its world had at the end.
        fuel: units of work it took, 0 where they are not counted.
        limits: of the call.
        taped: whether all that its world is told is the host's to say.
        hear: called in the Trio thread when the guest is told what has come back, where it is taped.
    """

    def __init__(
        self,
        call: Call,
        host: Host,
        limits: Limits,
        data: bytes,
        *,
        stdin: bool,
        config: dict[str, bytes] | None = None,
        variables: dict[bytes, bytes] | None = None,
    ) -> None:
        self.call = call
        self.data = data
        self.stdin = stdin
        self.config = config or {}
        self.variables = {} if variables is None else variables
        self.output = bytearray()
        self.log = Log(limits.log_bytes)
        self.messages: list[bytes] = []
        self.killed: Killed | None = None
        self.memory = 0
        self.fuel = 0
        self.limits = limits
        self.taped = host.taped
        self.hear: Callable[[], None] = _nothing
        self._host = host
        self._left = b""
        self._answer = b""
        self._headers: bytes | None = None
        self._draws = 0
        self._sent_bytes = 0
        self._place: Place | None = None
        self._world: Sealed | None = None
        self._began = self._cpu_began = 0.0
        self._took = 0

    # ------------------------------------------------------------ the course of the call

    def begin(self, place: Place | None) -> None:
        """Start the call's clocks; in the thread that runs it. Without a place the host can't be asked."""
        self._place = place
        self._began = self.log.began = time.monotonic()
        self._cpu_began = time.thread_time()

    def open(self, world: Sealed) -> None:
        """Put the input into a world."""
        self._world = world
        world.talk = self
        world.refuel()
        self._left = world.begin(self.data, int(self.call.now * 1e9), stdin=self.stdin)

    def close(self, world: Sealed) -> None:
        """Take the last of what the guest has written, and let go of the world."""
        self.drain(world, LOG_STREAM)
        self.log.finish()
        self.memory = max(self.memory, world.memory_bytes)
        self.fuel = world.fuel_used
        world.talk = None
        self._world = None

    def last_words(self, world: Sealed) -> str:
        """The last line of the log so far."""
        self.drain(world, LOG_STREAM)
        return self.log.last_line()

    @property
    def cpu(self) -> float:
        """Seconds that the guest has run."""
        return time.thread_time() - self._cpu_began

    def proceed(self) -> bool:
        """Whether the guest may run on; says in ``killed`` why not."""
        limits = self.limits
        if time.monotonic() - self._began > limits.wall:
            self.killed = Killed("timeout", OVER.format(limits.wall))
        elif self.cpu > limits.cpu:
            self.killed = Killed(
                "cpu", f"the call used more processor time than its limit of {limits.cpu:g} s"
            )
        elif self._world is not None and self._world.memory_bytes > limits.memory:
            self.killed = Killed(
                "memory", f"the call needed more memory than its limit of {limits.memory} bytes"
            )
        if self.killed is None and self._place is not None:
            self._place.look()
        return self.killed is None

    def perform(self, world: World, operation: int, one: int, other: int) -> int:
        """Do what a guest asks through the kernel; see kernel.wat.

        Raises:
            Ended: the call ends with this.
        """
        try:
            return self._perform(world, operation, one, other)
        except ValueError as error:
            raise Ended(Thrown("TypeError", str(error))) from None

    def _perform(self, world: World, operation: int, one: int, other: int) -> int:
        match operation:
            case 1:
                part, self._left = self._left[: kernel.IN_SIZE], self._left[kernel.IN_SIZE :]
                world.more_input(part, more=bool(self._left))
                return 0
            case 2:
                self.drain(world, one)
                return 0
            case 3:
                self._wait(world, one & ((1 << 64) - 1))
                return 0
            case 4:
                world.write(kernel.CHANCE, self.chance())
                return 0
            case 5:
                return self._offer(self._ask(world.read(one, other)))
            case 6:
                if not one:
                    raise Ended(self._out_of_memory())
                world.write(one, self._answer)
                self._answer = b""
                return 0
            case 7:
                return self._offer(self.config.get(world.block(one).decode()))
            case 8:
                return self._offer(self.variables.get(world.block(one)))
            case 9:
                self._set_variable(world.block(one), world.block(other) if other else None)
                return 0
            case 10:
                return self._http(world, world.block(one), world.block(other) if other else None)
            case 11:
                level = LEVELS[other] if 0 <= other < len(LEVELS) else "log"
                self.log.add(level, world.block(one).decode("utf-8", "replace"))
                return 0
            case 12:
                return self._offer(self._headers)
            case _:
                raise RuntimeFault(f"the kernel asks for operation {operation}, which there is not")

    def _offer(self, data: bytes | None) -> int:
        """Hold an answer until it is taken; its length, or -1 for none."""
        self._answer = data or b""
        return NOTHING if data is None else len(data)

    # ------------------------------------------------------------ waiting

    def _outside(self, ask: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Have the host do something, within what is left of the call's time."""
        answered: T = self._asked().outside(self._within, ask, arguments)
        return answered

    def _asked(self) -> Place:
        if self._place is None:
            raise RuntimeFault("a guest asks its host for something in a thread of no crew")
        return self._place

    async def _within(self, ask: Callable[..., Awaitable[T]], arguments: tuple[Any, ...]) -> T:
        with trio.move_on_after(max(0.0, self.limits.wall - (time.monotonic() - self._began))):
            return await ask(*arguments)
        raise Ended(Killed("timeout", OVER.format(self.limits.wall)))

    def _wait(self, world: World, nanoseconds: int) -> None:
        self._timed(self._host.sleep, min(nanoseconds / 1e9, LONGEST_WAIT))
        world.waited(max(nanoseconds, self._took))

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """Send a request and wait for its response.

        Raises:
            FetchError: none came.
        """
        return self.waiting(self._host.fetch, request)

    def waiting(self, ask: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Have the host do something; the guest's clock moves on by what it takes."""
        try:
            return self._timed(ask, *arguments)
        finally:
            if self._world is not None:
                self._world.waited(self._took)

    def look(self) -> None:
        """Have the guest hear of what has come back meanwhile, where it is the host's to say when."""
        if self.taped:
            self.waiting(trio.lowlevel.checkpoint)

    def _timed(self, ask: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Have the host do something; ``_took`` says how long, in nanoseconds."""
        began = time.monotonic()
        self._took = 0
        if self.taped:
            answered: T = self._outside(self._by_turn, began, ask, arguments)
            return answered
        try:
            return self._outside(ask, *arguments)
        finally:
            self._took = int((time.monotonic() - began) * 1e9)

    async def _by_turn(self, began: float, ask: Callable[..., Awaitable[T]], arguments: tuple[Any, ...]) -> T:
        answered = trio.Event()
        answered.set()
        try:
            return await ask(*arguments)
        finally:
            await self._host.turn(answered)
            self._took = int(self._host.elapsed(time.monotonic() - began) * 1e9)
            self.hear()

    # ------------------------------------------------------------ asked in JSON

    def _ask(self, text: bytes) -> bytes:
        try:
            return answer(self.do(parse_operation(text)))
        except (FetchError, CapabilityError, ValueError) as error:
            return refusal(error)

    def do(self, operation: Operation) -> object:
        """Do what a guest asks; see :func:`isthmus_wasmtime._asked.do`."""
        return do(self, self._host, operation)

    def in_trio(self, act: Callable[..., T], *arguments: Any) -> T:
        """Have something done in the Trio thread that takes no time."""
        return self._asked().inside(act, *arguments)

    def send(self, message: bytes) -> None:
        """Keep a message of a source function.

        Raises:
            Ended: they are too much.
        """
        self._sent_bytes += len(message)
        self._bound_output(self._sent_bytes)
        self.messages.append(message)

    # ------------------------------------------------------------ asked by a plug-in

    def _set_variable(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self.variables.pop(key, None)
            return
        size = sum(len(name) + len(held) for name, held in self.variables.items() if name != key)
        if size + len(key) + len(value) > MOST_VARS:
            raise ValueError(f"the variables of a plug-in hold at most {MOST_VARS} bytes")
        self.variables[key] = value

    def _http(self, world: World, text: bytes, body: bytes | None) -> int:
        request = parse_http_request(text, body)
        try:
            response = self.fetch(request)
        except FetchError as error:
            raise Ended(Thrown("FetchError", str(error))) from None
        world.write_u32(kernel.HTTP_STATUS_AT, response.status)
        self._headers = joined_headers(response)
        return self._offer(response.body)

    # ------------------------------------------------------------ chance and output

    def chance(self) -> bytes:
        """The next 4 KiB of the call's own randomness."""
        self._draws += 1
        return hashlib.shake_256(self.call.seed + self._draws.to_bytes(8, "big")).digest(kernel.CHANCE_SIZE)

    def drain(self, world: Sealed, stream: int) -> None:
        """Take what the guest has written to a stream (2: output, 3: log).

        Raises:
            Ended: it is too much.
        """
        data = world.taken(stream)
        if stream != LOG_STREAM:
            self._bound_output(len(self.output) + len(data))
            self.output += data
            return
        self.log.feed(data)

    def take_output(self, world: Sealed) -> bytes:
        """All that came on standard output.

        Raises:
            Ended: it is too much.
        """
        self.drain(world, 2)
        return bytes(self.output)

    def _bound_output(self, size: int) -> None:
        limit = self.limits.output_bytes
        if size > limit:
            raise Ended(Killed("output", f"the call handed out more bytes than its limit of {limit}"))

    def tell(self) -> None:
        """Hand the log to the host; in the Trio thread."""
        self.log.tell(self._host)

    def _out_of_memory(self) -> Killed:
        return Killed("memory", f"the call needed more memory than its limit of {self.limits.memory} bytes")


def _nothing() -> None:
    pass
