"""Packages of functions on disk: one read-only directory for each list of requirements, made when it is first loaded."""

from __future__ import annotations

import enum
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, final

import trio

from isthmus.cachedir import cache_directory
from isthmus.errors import EngineError, LoadError, RuntimeFault

from ._installer import install
from ._requirements import Requirements

__all__ = ["Packages", "Policy", "policy_named"]

FORMAT: Final = "1"
"""What is kept is as this version of this module makes it."""
MOST_BYTES: Final = 1 << 30
"""Of one function's packages, installed."""
PART: Final = ".part-"
"""What the name of a directory begins with that is not whole yet."""
ABANDONED: Final = 24 * 3600.0
"""Seconds after which nobody is at work on a part any more."""
WRITING: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_IDENTITY: Final = (
    "import sys, sysconfig, platform; "
    "print(sys.version, sysconfig.get_platform(), sysconfig.get_config_var('SOABI'), *platform.libc_ver(), sep='\\n')"
)
"""Prints what decides which wheels an interpreter takes."""


@final
class Policy(enum.StrEnum):
    """Which packages functions may bring, as the operator decides.

    ``none``: none at all.
    ``offline``: what is there already, in this cache or in the installer's; nothing is downloaded.
    ``wheels``: wheels from the operator's index; installing one runs none of its code.
    ``builds``: source distributions as well, whose build scripts run on the host, unconfined.
    """

    NONE = "none"
    OFFLINE = "offline"
    WHEELS = "wheels"
    BUILDS = "builds"


def policy_named(text: str, what: str) -> Policy:
    """A policy by its name.

    Raises:
        EngineError: there is none of that name.
    """
    try:
        return Policy(text)
    except ValueError:
        known = ", ".join(repr(policy.value) for policy in Policy)
        raise EngineError(f"{what} is one of {known}, not {text!r}") from None


@final
class Packages:
    """Makes the directories of packages, and finds them again.

    Several engines and processes may share a cache: a directory appears in it whole or not at all.

    Args:
        cache: where they are kept, None for the user's cache directory.
        policy: what may be installed.
        python: the interpreter that is to import them.
    """

    def __init__(self, cache: Path | None, policy: Policy, python: str) -> None:
        self._cache = cache
        self._policy = policy
        self._python = python
        self._identity = ""
        self._turn = trio.Lock()

    async def directory(self, requirements: Requirements) -> str:
        """The directory that has what is required, made where it is not there.

        Raises:
            EngineError: the operator allows no packages, or there is no installer or no place to keep them.
            LoadError: they cannot be installed.
        """
        if self._policy is Policy.NONE:
            raise EngineError("a function requires packages, and the operator of this engine allows none")
        cache = self._cache or _users_cache()
        async with self._turn:  # one at a time: functions with the same list find what the first has made
            place = cache / await self._key(requirements)
            if not await trio.to_thread.run_sync(_is_kept, place):
                await self._make(requirements, place)
        return str(place)

    async def _key(self, requirements: Requirements) -> str:
        if not self._identity:
            command = [self._python, "-I", "-S", "-c", _IDENTITY]
            try:
                asked = await trio.run_process(command, capture_stdout=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise RuntimeFault(f"{self._python} could not be asked which wheels it takes") from error
            self._identity = asked.stdout.decode()
        builds = "builds" if self._policy is Policy.BUILDS else ""
        parts = "\0".join([FORMAT, self._identity, builds, *sorted(requirements.lines)])
        return hashlib.sha256(parts.encode()).hexdigest()

    async def _make(self, requirements: Requirements, place: Path) -> None:
        try:
            part = Path(await trio.to_thread.run_sync(_part_in, place.parent))
        except OSError as error:
            raise _no_place(place.parent, error) from error
        try:
            await install(
                requirements,
                part,
                self._python,
                builds=self._policy is Policy.BUILDS,
                offline=self._policy is Policy.OFFLINE,
            )
            size = await trio.to_thread.run_sync(_seal, part)
            if size > MOST_BYTES:
                text = f"its packages have {size} bytes, more than the {MOST_BYTES} that a function may bring"
                raise LoadError(text, file=requirements.file)
            await trio.to_thread.run_sync(_put, part, place)
        except BaseException:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(_remove, part)
            raise


def _users_cache() -> Path:
    try:
        return cache_directory() / "python"
    except RuntimeError as error:  # a user whom no list of users knows has no home
        raise EngineError(
            f"packages have no place to be kept, ISTHMUS_CACHE may name one: {error}"
        ) from error


def _is_kept(place: Path) -> bool:
    """Whether the packages are there already.

    Raises:
        EngineError: whoever may write to the cache could have put them there.
    """
    cache = place.parent
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = cache.stat()
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise PermissionError(0, "others may write to it, or it is somebody else's")
        return stat.S_ISDIR(place.lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _no_place(cache, error) from error


def _no_place(cache: Path, error: OSError) -> EngineError:
    return EngineError(f"packages cannot be kept in {cache}: {error.strerror}")


def _part_in(cache: Path) -> str:
    for part in cache.glob(f"{PART}*"):
        if time.time() - part.lstat().st_mtime > ABANDONED:
            _remove(part) if part.is_dir() else part.unlink(missing_ok=True)
    return tempfile.mkdtemp(prefix=PART, dir=cache)


def _seal(directory: Path) -> int:
    """Take away the right to write from all that is in a directory; bytes of its files.

    Raises:
        LoadError: something in it is no file and no directory; a link would lead out of it.
    """
    size = 0
    for above, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            path = os.path.join(above, name)
            found = os.lstat(path)
            if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
                raise LoadError(f"a package has {os.path.relpath(path, directory)!r}, which is no plain file")
            size += found.st_size
            os.chmod(path, stat.S_IMODE(found.st_mode) & ~WRITING)
    return size


def _put(part: Path, place: Path) -> None:
    """Give a directory its name; where another process was first, its one stays."""
    try:
        os.rename(part, place)
    except OSError:
        if not place.is_dir():
            raise
        _remove(part)
        return
    os.chmod(place, 0o500)


def _remove(directory: Path) -> None:
    """Remove a directory, read-only or not."""
    for above, _, _ in os.walk(directory):
        os.chmod(above, 0o700)
    shutil.rmtree(directory, ignore_errors=True)
