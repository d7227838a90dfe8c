"""An export of Git Sync's is read, or refused in lines that name a file of it; no value of a secret is in those lines."""

from __future__ import annotations

import tempfile
from pathlib import Path

from isthmus_server.workspace import WorkspaceProblems
from isthmus_server.workspace.gitsync import read_git_sync

SECRET = "s3cr3t-of-the-operator"
ENVIRON = dict.fromkeys(("TOKEN", "SENDER_AUTH_TOKEN", "AUTHTOKEN", "A", "X"), SECRET)
PLACES = ("functions", "sources", "destinations", "insert_functions", "other")


def check(data: bytes) -> None:
    """Files, each after a line ``== FOLDER``; what comes before the first is in ``functions``."""
    with tempfile.TemporaryDirectory(prefix="fuzz-git-sync-") as directory:
        root = Path(directory)
        for number, (folder, content) in enumerate(_files(data)):
            place = root / folder
            place.mkdir(exist_ok=True)
            (place / f"{number}.tf").write_bytes(content)
        try:
            read_git_sync(root, ENVIRON)
        except WorkspaceProblems as exc:
            refused = exc.problems
        else:
            return
        assert refused
        for problem in refused:
            assert SECRET not in problem
            assert ": " in problem, problem


def _files(data: bytes) -> list[tuple[str, bytes]]:
    files: list[tuple[str, list[bytes]]] = [("functions", [])]
    for line in data.split(b"\n"):
        if line.startswith(b"== "):
            named = line[3:].decode("latin-1").strip()
            files.append((named if named in PLACES else "other", []))
        else:
            files[-1][1].append(line)
    return [(folder, b"\n".join(lines)) for folder, lines in files[:10] if any(lines)]
