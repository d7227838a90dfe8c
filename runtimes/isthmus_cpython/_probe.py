"""How far confinement goes on this machine, found by trying, for whoever asks before anything is loaded."""

from __future__ import annotations

import socket
import tempfile

from isthmus.errors import IsthmusError

from ._levels import Isolation, Level
from ._spawning import Recipe, isolation_of, last_words, spawn

__all__ = ["probe"]

PATIENCE = 30.0


def probe(recipe: Recipe) -> Isolation:
    """Start a zygote, hear its report, and let it go; blocking, for some tens of milliseconds."""
    here, there = socket.socketpair()
    with here, there, tempfile.TemporaryFile() as said:
        try:
            process = spawn(recipe, there, said)
        except IsthmusError as error:
            return Isolation(level=Level.PROCESS, missing={"zygote": str(error)})
        there.close()
        here.settimeout(PATIENCE)
        report = b""
        try:
            head = here.recv(4, socket.MSG_WAITALL)
            report = here.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL)
        except OSError:
            pass
        finally:
            here.close()
            process.kill() if not report else None
            process.wait()
        if not report:
            return Isolation(level=Level.PROCESS, missing={"zygote": last_words(said)})
    return isolation_of(report)
