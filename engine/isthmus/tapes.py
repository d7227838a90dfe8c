"""Tapes: calls recorded with all that their worlds were told, to be replayed exactly and without network.

A world has no authority but its host, so what a call does follows from the function's code, the call's own
values (its event, settings, time and seed) and the host's answers.  A tape holds these, and what came of them::

    async with isthmus.open_engine(record=Recording(keep=directory("tapes"), failures_only=True)) as engine:
        outcome = await engine.invoke(instance, event)     # outcome.tape names the file
    ...
    replayed = await engine.replay(decode(Path(name).read_bytes()))
    replayed.identical

Without a key the sensitive settings' values are replaced, wherever they stand, by placeholders of the same
shape; with one, all but a tape's head is encrypted.  Everything else is in a tape as it was: events and
responses hold people's data, and whoever keeps tapes keeps those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, final

import msgspec

from .effects import (
    Answer as Answer,
    Answered as Answered,
    Asked as Asked,
    CacheDelete as CacheDelete,
    CacheFail as CacheFail,
    CacheLoad as CacheLoad,
    CacheStore as CacheStore,
    Capability as Capability,
    Done as Done,
    Drawn as Drawn,
    Effect as Effect,
    Failed as Failed,
    Fetch as Fetch,
    Found as Found,
    Passed as Passed,
    Responded as Responded,
    Said as Said,
    Sleep as Sleep,
)
from .errors import EngineError
from .functions import Function, Kind, SettingDefinition
from .limits import MIB, Limits
from .outcomes import Outcome, Status

__all__ = [
    "Answer",
    "Answered",
    "Asked",
    "CacheDelete",
    "CacheFail",
    "CacheLoad",
    "CacheStore",
    "Capability",
    "Definition",
    "Difference",
    "Divergence",
    "Done",
    "Drawn",
    "Effect",
    "Failed",
    "Fetch",
    "Found",
    "Head",
    "Passed",
    "Recording",
    "Replayed",
    "Responded",
    "Said",
    "Sleep",
    "Tape",
    "decode",
    "directory",
    "encode",
    "key_of",
    "read_head",
]

# ---------------------------------------------------------------- tapes


@final
class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What may be read of any tape, a sealed one too.

    Attributes:
        function: its name.
        instance: its name.
        handler: that ran.
        status: of the outcome.
        at: seconds since the epoch at the start of the call.
        digest: SHA-256 of the function's code, hexadecimal.
        runtime: language (and variant) and version of what ran it.
        isthmus: version of the engine.
        secrets: there were none, they were replaced by placeholders, or all is encrypted.
        truncated: the call outgrew the tape, which is for looking at and cannot be replayed.
    """

    function: str
    instance: str
    handler: str
    status: Status
    at: float
    digest: str
    runtime: str
    isthmus: str
    secrets: Literal["none", "placeholders", "sealed"] = "none"
    truncated: bool = False


@final
class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A function as a tape has it; the fields are those of :class:`isthmus.Function`.

    Attributes:
        code: its bytes, b"" where the recording leaves it out.
        text: whether these are text, in UTF-8.
    """

    name: str
    kind: Kind
    language: str
    code: bytes
    text: bool
    file: str
    settings: tuple[SettingDefinition, ...]
    isolation: Literal["call", "instance", "wasm"]
    lenient: bool
    pass_through: bool
    capabilities: tuple[str, ...] = ()

    @classmethod
    def of(cls, function: Function, *, code: bool = True) -> Definition:
        """What there is to know of a function, with its code or without."""
        fields = {
            name: getattr(function, name) for name in cls.__struct_fields__ if name not in {"code", "text"}
        }
        data = function.code.encode() if isinstance(function.code, str) else function.code
        return cls(code=data if code else b"", text=isinstance(function.code, str), **fields)

    def function(self, code: str | bytes | None = None) -> Function:
        """The function; with another code, if one is given.

        Raises:
            InvalidFunction: it is none.
            UnicodeDecodeError: its code is said to be text, and is not.
        """
        fields = {
            name: getattr(self, name) for name in self.__struct_fields__ if name not in {"code", "text"}
        }
        own = self.code.decode() if self.text else self.code
        return Function(code=own if code is None else code, **fields)


@final
class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """One call.

    Attributes:
        head: what is known of it.
        definition: of the function that ran.
        limits: of the call.
        argument: JSON text of the event, the batch or the webhook.
        batch: whether it is a batch.
        body: of the webhook, raw.
        settings: JSON text of the instance's settings.
        seed: 32 bytes from which the world's randomness comes.
        source_id: of a source function's instance.
        retry_network_errors: of the instance.
        effects: what was asked, answered and told, in order.
        drawn: what was drawn, in order.
        ended: JSON text of the outcome, without its exchanges: they are among the effects.
        sensitive: names of the settings whose values are placeholders.
    """

    head: Head
    definition: Definition
    limits: Limits
    argument: bytes
    batch: bool = False
    body: bytes = b""
    settings: bytes = b"{}"
    seed: bytes = b""
    source_id: str = ""
    retry_network_errors: bool = False
    effects: tuple[Effect, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    ended: bytes = b""
    sensitive: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What came of the call."""
        from ._taping.endings import outcome_of

        return outcome_of(self.ended)

    def __repr__(self) -> str:
        # It holds an event, settings, requests.
        return f"<isthmus.Tape of {self.head.handler} of {self.head.function!r}, {len(self.effects)} effects>"


@final
class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are recorded, and what becomes of their tapes.

    Attributes:
        keep: called in the Trio thread with a tape and its bytes, and to say in a text where it is kept,
            for ``Outcome.tape``; must not block for long.  An exception of its own is logged, and no more.
        failures_only: keep only the tapes of calls that are refused or to be tried again.
        max_bytes: of what a call asks and is told; what comes after is not recorded, and the tape says so.
        code: the tape holds the function's code, and can be replayed by itself.
        key: 32 bytes (see :func:`key_of`): encrypt tapes, so that sensitive settings are in them as they were.
    """

    keep: Callable[[Tape, bytes], str]
    failures_only: bool = False
    max_bytes: int = 4 * MIB
    code: bool = True
    key: bytes | None = None

    def __post_init__(self) -> None:
        if self.max_bytes < 0:
            raise EngineError(
                f"Recording.max_bytes takes a whole number of bytes from 0, not {self.max_bytes!r}"
            )
        if self.key is not None and len(self.key) != 32:
            raise EngineError(f"Recording.key takes 32 bytes, not {len(self.key)}")

    def __repr__(self) -> str:
        return f"<isthmus.Recording of {'failures' if self.failures_only else 'all calls'}>"


# ---------------------------------------------------------------- replays


@final
class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay first left its tape.

    Attributes:
        at: index among the tape's effects, or among what was drawn.
        expected: what is on the tape there, None for nothing more.
        came: what the world asked instead, None where it asked for nothing more.
    """

    at: int
    expected: Effect | Drawn | None = None
    came: Effect | Drawn | None = None


@final
class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the outcome that is another than on the tape; both as JSON text."""

    part: str
    expected: msgspec.Raw
    came: msgspec.Raw


@final
class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a replay.

    Attributes:
        outcome: of the replay; its times are of now.
        divergence: where it first left the tape, or None.
        differences: in what its outcome differs.
        played: the effects as they came, each with whether it is on the tape.
        notes: what may be the reason of a divergence: another version, another code, placeholders.
    """

    outcome: Outcome
    divergence: Divergence | None = None
    differences: tuple[Difference, ...] = ()
    played: tuple[tuple[Effect, bool], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether all that was asked and all that came of it is as on the tape."""
        return self.divergence is None and not self.differences


# ---------------------------------------------------------------- files


def encode(tape: Tape, key: bytes | None = None) -> bytes:
    """Write a tape.

    Args:
        tape: a recorded one has its placeholders already, where it has any.
        key: 32 bytes to encrypt it with.
    """
    from ._taping.files import encode_tape

    return encode_tape(tape, key)


def decode(data: bytes, key: bytes | None = None) -> Tape:
    """Read a tape.

    Raises:
        TapeError: it is none, is damaged, of a later version, or sealed with another key.
    """
    from ._taping.files import decode_tape

    return decode_tape(data, key)


def read_head(data: bytes) -> Head:
    """Read what is there to know of a tape without its key.

    Raises:
        TapeError: it is no tape.
    """
    from ._taping.files import decode_head

    return decode_head(data)


def key_of(text: str) -> bytes:
    """The key that a text stands for: 32 bytes, as 64 hexadecimal digits or Base64.

    Raises:
        TapeError: it stands for none.
    """
    from ._taping.files import parse_key

    return parse_key(text)


def directory(path: str) -> Callable[[Tape, bytes], str]:
    """What keeps tapes as files of a directory, for :class:`Recording`; each in a new file, its owner's alone to read.

    Raises:
        EngineError: the directory cannot be made.
    """
    from ._taping.files import keeper

    return keeper(path)
