"""Levels of isolation: what separates a function's process from the host, by name, with what is missing and why."""

from __future__ import annotations

import enum
from typing import Final, final

import msgspec

from isthmus.errors import EngineError

__all__ = ["Isolation", "Level", "level_named"]


@final
class Level(enum.StrEnum):
    """From the strongest to the weakest.

    ``kernel+ns``: Landlock, seccomp and namespaces: no network, no other processes, a root directory of its own.
    ``kernel``: Landlock and seccomp; names of files outside can be told to exist, nothing of them is read.
    ``seccomp``: what the user of the host may read a function may read.
    ``process``: limits and deadlines alone; for code that one trusts.
    """

    KERNEL_NS = "kernel+ns"
    KERNEL = "kernel"
    SECCOMP = "seccomp"
    PROCESS = "process"

    @property
    def strength(self) -> int:
        """The more, the stronger."""
        return len(Level) - list(Level).index(self)

    @property
    def layers(self) -> frozenset[str]:
        """The layers it is made of, beyond limits and the privileges given up."""
        return _LAYERS[self]


_LAYERS: Final = {
    Level.KERNEL_NS: frozenset({"seccomp", "landlock", "namespaces"}),
    Level.KERNEL: frozenset({"seccomp", "landlock"}),
    Level.SECCOMP: frozenset({"seccomp"}),
    Level.PROCESS: frozenset(),
}

_SENTENCES: Final = {
    Level.KERNEL_NS: "no network, no files but Python's own and a private /tmp, no other processes, few system calls",
    Level.KERNEL: "no network, no files but Python's own, few system calls",
    Level.SECCOMP: "no network, no writing, few system calls; files that the host's user may read can be read",
    Level.PROCESS: "limits of time and memory alone; not for code of others",
}


@final
class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """What was reached on this machine.

    Attributes:
        level: reached.
        missing: by the name of each layer that is not there, why.
        scratch: a process has a ``/tmp`` of its own to write in.
    """

    level: Level
    missing: dict[str, str] = {}
    scratch: bool = False

    @classmethod
    def of(cls, missing: dict[str, str], *, scratch: bool) -> Isolation:
        """The level that what is missing leaves."""
        gone = set(missing)
        if gone & {"seccomp", "no_new_privileges"}:
            level = Level.PROCESS
        elif "landlock" in gone:
            level = Level.SECCOMP
        elif gone & {"namespaces", "root", "scratch"}:
            level = Level.KERNEL
        else:
            level = Level.KERNEL_NS
        return cls(level=level, missing=missing, scratch=scratch)

    def sentence(self) -> str:
        """The level, what it means, and what is missing, for people."""
        said = f"a confined process for every call, {self.level}: {_SENTENCES[self.level]}"
        gone = "; ".join(f"{name}: {why}" for name, why in sorted(self.missing.items()))
        return f"{said} (missing: {gone})" if gone else said


def level_named(text: str, what: str) -> Level:
    """A level by its name.

    Raises:
        EngineError: there is none of that name.
    """
    try:
        return Level(text)
    except ValueError:
        known = ", ".join(repr(level.value) for level in Level)
        raise EngineError(f"{what} is one of {known}, not {text!r}") from None
