"""The ledger of a backfill: a directory that says what is done, whatever was killed on the way.

``plan.json`` says which parts there are.  A part is done when ``parts/NUMBER.json`` is there, with what became of its
events; those that failed are in ``parts/NUMBER.failed.ndjson``, which is there before.  Each file is written under another
name, brought to the disk and renamed, so that it is there whole or not at all: the rename is the moment at which a
part is done.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar, final

import msgspec

from isthmus.commands import UsageFault

from ._plan import VERSION, Place, Plan, name_of

__all__ = ["Counts", "Ledger", "PartResult", "write_whole"]

PLAN_BYTES: Final = 512 * 1024 * 1024
"""Of a plan: some million parts."""

RESULT_BYTES: Final = 64 * 1024

_RESULT: Final = re.compile(r"(\d{6,})-(\d{6,})\.json")

T = TypeVar("T")


@final
class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some events, each counted once but for ``retried``.

    Attributes:
        delivered: without error.
        dropped: left out by an insert, on purpose.
        filtered: not for this destination, by its filter or by the event's ``integrations``.
        refused: failed in a way that trying again does not mend.
        given_up: failed until the time for retries was over.
        broken: no event: a line that is none, or is too long; or the rest of a damaged file.
        retried: attempts after which an event was to be tried again.
    """

    delivered: int = 0
    dropped: int = 0
    filtered: int = 0
    refused: int = 0
    given_up: int = 0
    broken: int = 0
    retried: int = 0

    @property
    def events(self) -> int:
        """All that were read, ``broken`` ones left out."""
        return self.delivered + self.dropped + self.filtered + self.refused + self.given_up

    @property
    def failed(self) -> int:
        """Those that did not arrive and should have."""
        return self.refused + self.given_up + self.broken

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in _COUNTS})


_COUNTS: Final = Counts.__struct_fields__


@final
class PartResult(msgspec.Struct, frozen=True, kw_only=True):
    """A part that is done.

    Attributes:
        file: path of its file.
        start: see :class:`Part`.
        end: see :class:`Part`.
        bytes: of the file.
        counts: what became of its events.
        failed: name of the file of failed events beside this one, "" where none failed.
        seconds: that it took, waiting for retries included.
        ended: seconds since the epoch.
    """

    file: str
    start: int
    end: int
    bytes: int
    counts: Counts
    failed: str = ""
    seconds: float = 0.0
    ended: float = 0.0


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, whatever is killed, and durably.

    Raises:
        OSError: it can't be written.
    """
    fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    # The name is durable only once its directory is.
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@final
class Ledger:
    """One directory.

    Args:
        path: of the directory; made by :meth:`begin` where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._parts = path / "parts"

    def plan(self) -> Plan | None:
        """What was planned, None where nothing was yet.

        Raises:
            UsageFault: the directory is of something else, or of another version.
        """
        plan = self.path / "plan.json"
        if not plan.exists():
            if self.path.exists() and any(
                entry.name not in {"lock", "parts"} for entry in self.path.iterdir()
            ):
                raise UsageFault(f"{self.path} is no ledger, and not empty: name another with --ledger")
            return None
        found = _read(plan, Plan, PLAN_BYTES)
        if found.version != VERSION:
            raise UsageFault(f"{self.path} is of version {found.version}, and this is {VERSION}")
        return found

    def begin(self, plan: Plan) -> None:
        """Write down what is to be done.

        Raises:
            UsageFault: the directory can't be written to.
        """
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            write_whole(self.path / "plan.json", msgspec.json.encode(plan) + b"\n")
        except OSError as exc:
            raise UsageFault(f"{self.path} cannot be written: {exc.strerror}") from None

    def write(self, place: Place, result: PartResult, failed: bytes) -> PartResult:
        """Note that a part is done.

        Args:
            place: of the part.
            result: what became of it, ``failed`` not yet filled in.
            failed: NDJSON of the events that failed.

        Returns:
            the result as it was written.

        Raises:
            OSError: it can't be written; the part is not done.
        """
        name = name_of(place)
        if failed:
            result = msgspec.structs.replace(result, failed=f"{name}.failed.ndjson")
            write_whole(self._parts / result.failed, failed)
        write_whole(self._parts / f"{name}.json", msgspec.json.encode(result) + b"\n")
        return result

    def results(self) -> dict[Place, PartResult]:
        """The parts that are done.

        Raises:
            UsageFault: a result is none, which a kill can't have done.
        """
        found: dict[Place, PartResult] = {}
        if self._parts.is_dir():
            for name in os.listdir(self._parts):
                if match := _RESULT.fullmatch(name):
                    place = int(match[1]), int(match[2])
                    found[place] = _read(self._parts / name, PartResult, RESULT_BYTES)
        return dict(sorted(found.items()))

    def failed_file(self, result: PartResult) -> Path | None:
        """Where the failed events of a part are, None where it has none."""
        return self._parts / result.failed if result.failed else None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others out; the system lets go of it where this process is killed.

        What was left half written by one that was killed is taken away.

        Raises:
            UsageFault: another run works on it, or it can't be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as exc:
            raise UsageFault(f"{self.path} cannot be written: {exc.strerror}") from None
        try:
            _lock(fd, self.path)
            for directory in (self.path, self._parts):
                for left in directory.glob(".*.part"):
                    left.unlink(missing_ok=True)
            yield
        finally:
            os.close(fd)


def _lock(fd: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks here; two runs at once would send twice, and lose nothing
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UsageFault(f"another run works on {path}") from None


def _read(path: Path, kind: type[T], most: int) -> T:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise UsageFault(f"{path} is longer than {most} bytes")
        return msgspec.json.decode(data, type=kind)
    except (OSError, msgspec.DecodeError) as exc:
        raise UsageFault(
            f"{path} cannot be read: {exc}; it was not written by isthmus as it stands"
        ) from None
