"""The layers of confinement of one zygote and its children: each tried, and named with its error where it is missing."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from . import landlock, namespaces, paths, privileges, rlimits
from .kernel import is_linux
from .seccomp import Filter

__all__ = ["Layers"]

PACKAGES = "/packages"
"""Of the new root."""
READ_DEVICES = ("/dev/zero", "/dev/urandom")


class Layers:
    """What separates the children of this zygote from the host.

    Args:
        config: ``aim``, the names of the layers to build; ``packages``, directories of the function's own;
            ``memory`` and ``cpu``, its limits; ``group``, a control group, or ``groupless``, why there is none;
            ``scratch``, where it is false a child has nowhere to write.

    Attributes:
        missing: by the name of each layer that is not there: why.
        writable: a child has a directory of its own to write in.
        packages: directories of the function's own, as a child finds them.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._aim = set(config["aim"])
        self._view = paths.view()
        self.packages: list[str] = config["packages"]
        self.missing: dict[str, str] = {}
        self.writable = False
        self._steps: list[tuple[str, Callable[[], None]]] = []
        self._outer: Filter | None = None

    # ------------------------------------------------------------ once, in the zygote

    def enter_group(self) -> None:
        """Go into the control group that the host has made, where it could."""
        group = self._config["group"]
        if not group:
            self.missing["cgroup"] = self._config["groupless"]
            return

        def enter() -> None:
            with open(f"{group}/cgroup.procs", "w", encoding="ascii") as opened:
                opened.write("0")

        self._try("cgroup", enter)

    def enter_namespaces(self) -> None:
        """Leave the host's namespaces; returns in the process that is the first of the new ones.

        The process that came in stays outside, waits, and ends as that one does.
        """
        if not self._try("namespaces", namespaces.enter):
            return
        first = os.fork()
        if first:
            os.closerange(0, 256)  # of the connection to the host its end must be the only one
            _, status = os.waitpid(first, 0)
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
        privileges.die_with_parent()
        # Where they lie on the host says something of it, and may be where the new root has something else.
        places = {f"{PACKAGES}/{number}": path for number, path in enumerate(self.packages)}
        mounted = {**{path: path for path in self._view.mounted}, **places}
        if self._try("root", lambda: namespaces.read_only_root(mounted, self._view.masked)):
            self.writable = self._config.get("scratch", True)
            self.packages = list(places)

    def give_up_privileges(self) -> None:
        """Do what has to be done once, and is inherited."""
        self._try("limits", self._limit)
        if not is_linux():
            return
        self._try("no_new_privileges", privileges.forbid_new)
        self._try("capabilities", privileges.drop_bounds)
        if not self.writable:
            self._try("capabilities", privileges.drop_capabilities)
        self._try("hidden_memory", privileges.hide_memory)

    def prepare(self) -> None:
        """Find out, in a child that does nothing else, which layers a child can have; put on what it inherits."""
        self._steps = self._plan()
        found = self._trial()
        if "scratch" in found:
            self.writable = False
            self._try("capabilities", privileges.drop_capabilities)
            self._steps = self._plan()
            found = {**found, **self._trial()}
        self.missing.update(found)
        self._steps = [step for step in self._steps if step[0] not in found]
        if self._outer is not None and "seccomp" not in found:
            self._outer.install()

    # ------------------------------------------------------------ in every child

    def confine(self) -> None:
        """Put this process behind all layers there are.

        Raises:
            OSError: one that is there in the trial failed now; its filename is the layer's name.
        """
        for name, act in self._steps:
            try:
                act()
            except OSError as error:
                raise OSError(error.errno, error.strerror, name) from error

    # ------------------------------------------------------------ private

    def _limit(self) -> None:
        size = namespaces.SCRATCH_BYTES if self.writable else 0
        rlimits.limit(memory=self._config["memory"], file_size=size)

    def _try(self, name: str, act: Callable[[], object]) -> bool:
        if name in {"namespaces", "root"} and "namespaces" not in self._aim:
            self.missing[name] = "not asked for"
            return False
        try:
            act()
        except OSError as error:
            self.missing[name] = _said(error)
            return False
        return True

    def _plan(self) -> list[tuple[str, Callable[[], None]]]:
        """What a child does, in its order; what a fork hands down the zygote does itself."""
        cpu = self._config["cpu"]
        steps: list[tuple[str, Callable[[], None]]] = []
        if self.writable:
            steps.append(("scratch", namespaces.own_scratch))
        if is_linux():
            self._add_landlock(steps)
        if self.writable:
            # Until here it had the right to mount, within namespaces that are not the host's.
            steps.append(("capabilities", privileges.drop_capabilities))
        steps.append(("time", lambda: rlimits.limit_time(cpu)))
        if is_linux():
            if "namespaces" in self.missing:  # the first process of a namespace takes the others with it
                zygote = os.getpid()
                steps.append(("death_with_parent", lambda: privileges.die_with_parent(zygote)))
            self._add_seccomp(steps)
        else:
            self.missing |= dict.fromkeys(("seccomp", "landlock"), f"{sys.platform} has no such thing")
        return steps

    def _add_landlock(self, steps: list[tuple[str, Callable[[], None]]]) -> None:
        if "landlock" not in self._aim:
            self.missing["landlock"] = "not asked for"
            return
        try:
            rules = landlock.Ruleset(
                readable=[*self._view.readable, *self.packages, *READ_DEVICES],
                listed=self._view.listed,
                written=[os.devnull],
                writable=[namespaces.SCRATCH] if self.writable else (),
            )
        except OSError as error:
            self.missing["landlock"] = _said(error)
            return
        steps.append(("landlock", rules.restrict))

    def _add_seccomp(self, steps: list[tuple[str, Callable[[], None]]]) -> None:
        if "seccomp" not in self._aim:
            self.missing["seccomp"] = "not asked for"
            return
        try:
            self._outer, inner = Filter.pair(writable=self.writable and "landlock" not in self.missing)
        except OSError as error:
            self.missing["seccomp"] = _said(error)
            return
        steps.append(("seccomp", inner.install))

    def _trial(self) -> dict[str, str]:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            failed = {}
            inherited = [("seccomp", self._outer.install)] if self._outer else []
            for name, act in [*inherited, *self._steps]:
                try:
                    act()
                except OSError as error:
                    failed[name] = _said(error)
            os.write(writing, json.dumps(failed).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        if not text:
            code = os.waitstatus_to_exitcode(status)
            how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            return dict.fromkeys((name for name, _ in self._steps), f"the trial ended by {how}")
        found: dict[str, str] = json.loads(text)
        return found


def _said(error: OSError) -> str:
    return f"{error.strerror or error} (errno {error.errno})" if error.errno else str(error)
