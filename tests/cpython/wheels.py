"""Wheels made for a test, so that nothing is downloaded: of text, and of a package with C code that is installed."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from importlib.metadata import Distribution
from pathlib import Path

__all__ = ["repacked", "wheel"]


def wheel(
    directory: Path, name: str, version: str, files: Mapping[str, str], tag: str = "py3-none-any"
) -> Path:
    """A wheel of files of text."""
    return _packed(directory, name, version, tag, {path: text.encode() for path, text in files.items()})


def repacked(directory: Path, name: str) -> Path:
    """An installed package as the wheel that it came from."""
    installed = Distribution.from_name(name)
    tags = [
        line.partition(": ")[2]
        for line in (installed.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag: ")
    ]
    files = {
        str(path): Path(str(path.locate())).read_bytes()
        for path in installed.files or ()
        if ".dist-info" not in str(path) and not str(path).endswith(".pyc") and ".." not in path.parts
    }
    return _packed(directory, name, installed.version, tags[0], files)


def _packed(directory: Path, name: str, version: str, tag: str, files: Mapping[str, bytes]) -> Path:
    information = f"{name}-{version}.dist-info"
    pure = str(tag.endswith("none-any")).lower()
    contents = {
        **files,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: {tag}\n".encode(),
    }
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{information}/RECORD"] = "\n".join([*rows, f"{information}/RECORD,,", ""]).encode()
    path = directory / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, data in contents.items():
            archive.writestr(inside, data)
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
