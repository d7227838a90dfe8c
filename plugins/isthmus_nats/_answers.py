"""What JetStream answers, typed; nothing of it is taken unread."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar, final

import msgspec

from isthmus.errors import QueueError, QueueFull

__all__ = [
    "DUPLICATE",
    "ConsumerInfo",
    "ConsumerNames",
    "Done",
    "Fault",
    "Published",
    "Refused",
    "Stored",
    "StreamInfo",
    "decode",
    "fault_of",
]

MAX_ANSWER: Final = 96 * 2**20  # a stored message is sent in Base64, and a server takes messages up to 64 MiB

NO_CONSUMER: Final = 10014
NO_MESSAGE: Final = 10037
NO_STREAM: Final = 10059
DUPLICATE: Final = 10201

_FULL: Final = frozenset(
    {
        10002,  # the account's limits
        10023,  # the cluster's resources
        10028,  # the server's memory
        10047,  # the server's storage
        10077,  # maximum bytes or messages of the stream
    }
)
_PASSING: Final = frozenset(
    {
        10008,  # JetStream system temporarily unavailable
        10009,  # cluster has no leader
        10118,  # stream is offline
        10158,  # another's message with the same id is still being stored
        10176,  # a batch of which a part was lost on the way
        10210,  # too many batches under way
        10211,
    }
)


@final
class Fault(msgspec.Struct, frozen=True):
    """An error of the API.

    Attributes:
        code: as in HTTP.
        err_code: JetStream's own number.
        description: a sentence.
    """

    code: int = 0
    err_code: int = 0
    description: str = ""


@final
class Refused(Exception):
    """The server understood and said no.

    Attributes:
        fault: what it said.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.description} ({fault.err_code})")
        self.fault = fault

    @property
    def passing(self) -> bool:
        """Whether asking again may help: a leader is being elected, a batch was torn by a lost connection."""
        return self.fault.err_code in _PASSING or (
            self.fault.code in {503, 429} and self.fault.err_code not in _FULL
        )

    def told(self, doing: str) -> QueueError:
        """As whoever uses the queue is told."""
        kind = QueueFull if self.fault.err_code in _FULL else QueueError
        return kind(f"{doing}: {self}")


class Answer(msgspec.Struct, frozen=True):
    """What every answer may have."""

    error: Fault | None = None


@final
class Done(Answer, frozen=True):
    """An answer of which only the error matters."""


@final
class Published(Answer, frozen=True):
    """A message, or a batch, was stored.

    Attributes:
        duplicate: it had been before, and nothing was stored.
    """

    duplicate: bool = False


@final
class Peer(msgspec.Struct, frozen=True):
    """One of the servers that keep a stream, or the cluster's own state.

    Attributes:
        name: of the server.
        current: it has all there is.
        offline: it has not been heard of.
    """

    name: str
    current: bool = False
    offline: bool = False


@final
class StreamConfig(msgspec.Struct, frozen=True):
    """As far as it is looked at."""

    num_replicas: int = 1
    max_bytes: int = -1
    max_age: int = 0
    duplicate_window: int = 0
    metadata: dict[str, str] = {}


@final
class StreamState(msgspec.Struct, frozen=True):
    """What a stream holds; ``subjects`` counts the messages of those that were asked about."""

    messages: int = 0
    bytes: int = 0
    subjects: dict[str, int] | None = None


@final
class StreamCluster(msgspec.Struct, frozen=True):
    """The servers of a stream; ``leader`` is the name of one, "" while there is none."""

    leader: str = ""


@final
class StreamInfo(Answer, frozen=True):
    """A stream."""

    cluster: StreamCluster = StreamCluster()
    config: StreamConfig = StreamConfig()
    state: StreamState = StreamState()


@final
class ConsumerConfig(msgspec.Struct, frozen=True):
    """As far as it is looked at."""

    ack_wait: int = 0
    max_ack_pending: int = 0
    metadata: dict[str, str] = {}


@final
class ConsumerInfo(Answer, frozen=True):
    """A consumer.

    Attributes:
        num_pending: messages it has not delivered yet.
        num_ack_pending: delivered, and neither acknowledged nor delivered again yet.
    """

    config: ConsumerConfig = ConsumerConfig()
    num_pending: int = 0
    num_ack_pending: int = 0


@final
class ConsumerNames(Answer, frozen=True):
    """A page of names."""

    total: int = 0
    consumers: list[str] | None = None


@final
class Message(msgspec.Struct, frozen=True):
    """A stored message; ``hdrs`` as it stood on the wire."""

    subject: str
    seq: int
    time: datetime
    data: bytes = b""
    hdrs: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        """By their names."""
        lines = self.hdrs.decode(errors="replace").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return {name.strip(): value.strip() for name, _, value in pairs}


@final
class Stored(Answer, frozen=True):
    """A message that was asked for."""

    message: Message | None = None


A = TypeVar("A", bound=Answer)


def decode(data: bytes, kind: type[A], *, doing: str) -> A:
    """Read an answer.

    Raises:
        Refused: it is an error.
        QueueError: it is none of the kind.
    """
    if len(data) > MAX_ANSWER:
        raise QueueError(f"{doing}: the server's answer has {len(data)} bytes")
    try:
        answer = msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as exc:
        raise QueueError(f"{doing}: the server's answer is none: {exc}") from exc
    if answer.error is not None:
        raise Refused(answer.error)
    return answer


def fault_of(exc: Refused) -> int:
    """JetStream's number of what went wrong."""
    return exc.fault.err_code
