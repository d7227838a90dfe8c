"""A function made one file of: its own modules and the npm packages they use, by esbuild.

What is made is an ES module with an inline source map, whose sources are the author's files as the
command line named them.  It imports nothing but those of Node's modules that the prelude has.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from isthmus.cachedir import cache_directory
from isthmus.errors import LoadError

from ._esbuild import BuildError, find_esbuild, run_esbuild
from ._frames import HANDLERS
from ._kept import read_kept, write_kept
from ._source import Source
from ._sourcemaps import take_inline_map

__all__ = ["Bundle", "bundle", "bundles_directory", "has_package"]

FORMAT: Final = 1
"""What is kept is as this version of this module makes it."""
PACKAGE: Final = "package.json"
OFFERED: Final = [
    "assert",
    "buffer",
    "console",
    "constants",
    "crypto",
    "events",
    "http",
    "https",
    "os",
    "path",
    "process",
    "punycode",
    "querystring",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "url",
    "util",
    "zlib",
]
"""Node's modules that stay imports, which the prelude answers: see prelude/imports.js."""
ABSENT: Final = [
    "async_hooks",
    "child_process",
    "cluster",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "fs",
    "http2",
    "inspector",
    "module",
    "net",
    "perf_hooks",
    "readline",
    "repl",
    "tls",
    "trace_events",
    "tty",
    "v8",
    "vm",
    "worker_threads",
]
"""Those that a function can't have.  Packages import them for what they do elsewhere: only using one is an error."""
OPTIONS: Final = (
    "--bundle",
    "--format=esm",
    "--target=es2023",
    # Builds for what has fetch and no files come before those for Node.
    "--platform=browser",
    "--main-fields=browser,module,main",
    "--conditions=worker,browser",
    '--define:process.env.NODE_ENV="production"',
    "--define:global=globalThis",
    '--banner:js=import { require } from "isthmus:node";',
    "--sourcemap=inline",
    "--external:isthmus:*",
    *(
        f"--external:{prefix}{name}{below}"
        for name in OFFERED
        for prefix in ("", "node:")
        for below in ("", "/*")
    ),
)
PROCESS: Final = 'import { process } from "isthmus:node";\nexport { process };\n'
STAND_IN: Final = 'module.exports = require("isthmus:absent/{}");\n'
"""Stands for a module that is absent, by what the prelude has for it: see prelude/imports.js."""
EXPORTING: Final = re.compile(r"(?:^|[;}])[ \t]*export\b|\bmodule\.exports\b|^[ \t]*exports\.", re.MULTILINE)
LOADERS: Final = {".ts": "ts", ".mts": "ts", ".cts": "ts", ".tsx": "tsx", ".jsx": "jsx"}
DECIDING: Final = (PACKAGE, "package-lock.json", "tsconfig.json")
"""Files beside the code that decide what becomes of it."""
UNRESOLVED: Final = re.compile(r'Could not resolve "[^./]')
ALL_HANDLERS: Final = "|".join(HANDLERS)
DECLARED: Final = re.compile(
    rf"^(?:(?:async\s+)?function\s*\*?\s*|(?:var|let|const|class)\s+)({ALL_HANDLERS})\b", re.MULTILINE
)
ASSIGNED: Final = re.compile(rf"^({ALL_HANDLERS})\s*=(?!=)", re.MULTILINE)


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A function in one piece.

    Attributes:
        code: the module, with its source map at the end.
        inputs: the files it was made from, as seen from the function's directory.
    """

    code: str
    inputs: tuple[str, ...]


class _Kept(msgspec.Struct, frozen=True):
    """A bundle in the cache, and what it was made from: path -> SHA-256 of what was read."""

    digests: dict[str, str]
    bundle: Bundle


class _Input(msgspec.Struct, frozen=True):
    bytes: int = 0


class _Metafile(msgspec.Struct, frozen=True):
    """What esbuild says of a build."""

    inputs: dict[str, _Input]


def bundles_directory() -> Path:
    """Where bundles are kept."""
    return cache_directory() / "bundles"


def has_package(root: Path) -> bool:
    """Whether a function's directory is an npm package, and so has to be bundled."""
    return (root / PACKAGE).is_file()


def bundle(entry: Path, root: Path, cache: Path, *, minify: bool = False) -> Bundle:
    """Bundle a function.

    Args:
        entry: the file with its handlers.
        root: its directory, where package.json is; stacks name files as seen from where this is.
        cache: where bundles are kept, each with what it was made from.
        minify: make it short, at the price of stacks with short names.

    Raises:
        LoadError: esbuild is not there, or does not take the code; at the author's file, line and column.
    """
    command = find_esbuild(root.resolve())
    options = [*OPTIONS, *(["--minify", "--keep-names"] if minify else [])]
    identity = msgspec.json.encode(
        [FORMAT, STAND_IN, PROCESS, str(entry.resolve()), str(root), str(entry), command, options]
    )
    kept_at = cache / f"{hashlib.sha256(identity).hexdigest()[:32]}.msgpack"
    if (kept := _kept(kept_at)) is not None:
        return kept
    made, inputs = _build(command, options, entry)
    read = [entry.parent / name for name in inputs] + [root / name for name in DECIDING]
    result = Bundle(code=made, inputs=inputs)
    digests = {str(path.resolve()): _digest(path) for path in (entry, *read)}
    write_kept(kept_at, msgspec.msgpack.encode(_Kept(digests, result)))
    return result


def _build(command: Sequence[str], options: Sequence[str], entry: Path) -> tuple[str, tuple[str, ...]]:
    try:
        text = entry.read_text(encoding="utf-8")
    except OSError as error:
        raise LoadError(f"it cannot be read: {error.strerror}", file=str(entry)) from None
    except UnicodeDecodeError as error:
        raise LoadError(
            f"the code is not UTF-8: {error.reason} at byte {error.start}", file=str(entry)
        ) from None
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name).resolve()
        meta, out = scratch / "meta.json", scratch / "out.js"
        files = [f"--sourcefile={entry.name}", f"--metafile={meta}", f"--outfile={out}", *_shims(scratch)]
        loader = f"--loader={LOADERS.get(entry.suffix, 'js')}"
        # Through standard input, so that the handlers of a script can be exported behind its end.
        failure = run_esbuild(
            command, [*options, *files, loader], text=text + _exports(text), directory=entry.parent
        )
        if failure is not None:
            raise _load_error(failure, entry)
        read = msgspec.json.decode(meta.read_bytes(), type=_Metafile).inputs
        inputs = tuple(name for name in read if scratch not in (entry.parent / name).resolve().parents)
        return _with_own_names(out.read_text(encoding="utf-8"), scratch, entry.parent), inputs


def _shims(scratch: Path) -> list[str]:
    """What makes esbuild take files of our own for ``process`` and for absent modules."""
    (scratch / "process.js").write_text(PROCESS, encoding="utf-8")
    options = [f"--inject:{scratch / 'process.js'}"]
    for name in ABSENT:
        folder = scratch / "absent" / name
        folder.mkdir(parents=True)
        for file, said in (("index.js", name), ("promises.js", f"{name}/promises")):
            (folder / file).write_text(STAND_IN.format(said), encoding="utf-8")
        options += [f"--alias:{name}={folder}", f"--alias:node:{name}={folder}"]
    return options


def _exports(text: str) -> str:
    """What exports the handlers of code that exports nothing itself, as Segment's own scripts do not."""
    if EXPORTING.search(text):
        return ""
    declared = set(DECLARED.findall(text))
    assigned = set(ASSIGNED.findall(text)) - declared
    if not declared | assigned:
        return ""
    variables = f"var {', '.join(sorted(assigned))};" if assigned else ""
    return f"\n;{variables}export {{ {', '.join(sorted(declared | assigned))} }};\n"


def _with_own_names(made: str, scratch: Path, directory: Path) -> str:
    """The bundle with the sources of its map named as the directory is, and without the texts of packages."""
    code, text = take_inline_map(made)
    if text is None:
        raise LoadError("esbuild made no source map")
    mapping: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    names = [_shown(scratch / name, directory) for name in mapping["sources"]]
    contents = [
        None if "node_modules/" in name else content
        for name, content in zip(names, mapping["sourcesContent"], strict=True)
    ]
    inline = msgspec.json.encode(mapping | {"sources": names, "sourcesContent": contents})
    return f"{code}//# sourceMappingURL=data:application/json;base64,{base64.b64encode(inline).decode()}\n"


def _shown(path: Path, directory: Path) -> str:
    """The name of a file that is spelled as the directory is."""
    there = os.path.relpath(os.path.normpath(path), directory.resolve())
    return os.path.normpath(directory / there)


def _load_error(error: BuildError, entry: Path) -> LoadError:
    message, file = error.message, str(entry)
    excerpt = ""
    if error.file:
        place = entry.parent / error.file
        file = _shown(entry.parent.resolve() / error.file, entry.parent)
        try:
            source = Source(code="", file=file, texts={file: place.read_text(encoding="utf-8")})
            excerpt = source.excerpt(file, error.line or 0, error.column)
        except (OSError, UnicodeDecodeError):
            pass  # the message and the place stand by themselves
    if UNRESOLVED.match(message):
        message += "; are the function's packages installed (npm ci, or isthmus bundle --install)?"
    return LoadError(message, file=file, line=error.line, column=error.column, excerpt=excerpt)


# ---------------------------------------------------------------- the cache


def _kept(path: Path) -> Bundle | None:
    """The bundle that is kept there, if all that it was made from is as it was."""
    content = read_kept(path)
    if content is None:
        return None
    try:
        kept = msgspec.msgpack.decode(content, type=_Kept)
    except msgspec.MsgspecError:
        return None
    fresh = all(_digest(Path(name)) == digest for name, digest in kept.digests.items())
    return kept.bundle if fresh else None


def _digest(path: Path) -> str:
    """The hash of a file, "" where there is none: that one appears changes a bundle as well."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
