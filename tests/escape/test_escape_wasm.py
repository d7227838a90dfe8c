"""What WebAssembly must not reach, line by line; each line is an attack, over WASI preview 1 and as a component."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.javascript import call_of
from tests.wasm.components import component, escaped, speaking
from tests.wasm.modules import SIGNATURES, Modules, command

from isthmus import LoadError
from isthmus.abc import Returned, Thrown
from isthmus_wasmtime._runtime import WasmtimeRuntime


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("compiled")
    directory.chmod(0o700)
    return directory


@pytest.fixture
async def modules(compiled: Path) -> AsyncIterator[Modules]:
    async with Modules.opened(WasmtimeRuntime(cache=compiled)) as made:
        yield made


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A directory with a file that is there to be read, overwritten, moved or removed."""
    (tmp_path / "secret").write_text("canary")
    return tmp_path


def state(canary: Path) -> dict[str, tuple[str, int]]:
    return {path.name: (path.read_text(), path.stat().st_mtime_ns) for path in canary.iterdir()}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


# ---- preview 1: at 1024 the path of the canary, at 1536 that of what is not there; AT and N, TO and M are they

AT, N, TO, M = "(i32.const 1024)", "(i32.const {n})", "(i32.const 1536)", "(i32.const {m})"
FILES = {
    "open to read": f"(call $path_open (local.get $fd) (i32.const 1) {AT} {N} (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 8))",
    "open to make": f"(call $path_open (local.get $fd) (i32.const 0) {TO} {M} (i32.const 9) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 8))",
    "open to cut": f"(call $path_open (local.get $fd) (i32.const 0) {AT} {N} (i32.const 8) (i64.const -1) (i64.const -1) (i32.const 1) (i32.const 8))",
    "look at": f"(call $path_filestat_get (local.get $fd) (i32.const 1) {AT} {N} (i32.const 64))",
    "touch": f"(call $path_filestat_set_times (local.get $fd) (i32.const 1) {AT} {N} (i64.const 0) (i64.const 0) (i32.const 5))",
    "make a directory": f"(call $path_create_directory (local.get $fd) {TO} {M})",
    "remove a directory": f"(call $path_remove_directory (local.get $fd) {AT} {N})",
    "remove": f"(call $path_unlink_file (local.get $fd) {AT} {N})",
    "rename": f"(call $path_rename (local.get $fd) {AT} {N} (local.get $fd) {TO} {M})",
    "link": f"(call $path_link (local.get $fd) (i32.const 0) {AT} {N} (local.get $fd) {TO} {M})",
    "link by name": f"(call $path_symlink {AT} {N} (local.get $fd) {TO} {M})",
    "read a link": f"(call $path_readlink (local.get $fd) {AT} {N} (i32.const 64) (i32.const 64) (i32.const 8))",
    "list": "(call $fd_readdir (local.get $fd) (i32.const 64) (i32.const 512) (i64.const 0) (i32.const 8))",
    "ask for a directory": "(call $fd_prestat_get (local.get $fd) (i32.const 8))",
    "ask for its name": "(call $fd_prestat_dir_name (local.get $fd) (i32.const 64) (i32.const 64))",
    "allocate": "(call $fd_allocate (local.get $fd) (i64.const 0) (i64.const 100))",
    "cut": "(call $fd_filestat_set_size (local.get $fd) (i64.const 0))",
    "read in place": "(call $fd_pread (local.get $fd) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 8))",
    "write in place": "(call $fd_pwrite (local.get $fd) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 8))",
    "accept": "(call $sock_accept (local.get $fd) (i32.const 0) (i32.const 8))",
    "receive": "(call $sock_recv (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8) (i32.const 12))",
    "send": "(call $sock_send (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8))",
    "shut down": "(call $sock_shutdown (local.get $fd) (i32.const 3))",
}  # fmt: skip


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
@pytest.mark.parametrize("attack", FILES.values(), ids=FILES.keys())
async def test_no_call_of_preview_1_reaches_a_file_or_a_socket(
    modules: Modules, canary: Path, attack: str, *, relative: bool
) -> None:
    def spelled(name: str) -> bytes:
        path = str(canary / name)
        return ("../" * 30 + path.lstrip("/") if relative else path).encode()

    there, new = spelled("secret"), spelled("made")
    body = f"""
      (local $fd i32)
      (loop $each
        (if (i32.eqz {attack.format(n=len(there), m=len(new))}) (then unreachable))
        (br_if $each (i32.lt_u (local.tee $fd (i32.add (local.get $fd) (i32.const 1))) (i32.const 40))))
    """
    code = command(body, uses=" ".join(name for name in SIGNATURES if f"${name} " in attack), more=(
        f'(data (i32.const 1024) "{escaped(there)}") (data (i32.const 1536) "{escaped(new)}")'
    ))  # fmt: skip
    before = state(canary)
    module = await modules(code)
    assert (await module.run()).ending == Returned()
    held = descriptors()
    assert (await module.run()).ending == Returned()
    assert state(canary) == before
    assert descriptors() == held


async def test_preview_1_has_no_variables(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "secret")
    body = """
      (if (call $environ_sizes_get (i32.const 64) (i32.const 68)) (then unreachable))
      (if (i32.load (i32.const 64)) (then unreachable))
      (if (i32.load (i32.const 68)) (then unreachable))
    """
    module = await modules(command(body, uses="environ_sizes_get"))
    assert (await module.run()).ending == Returned()


# ---- components: functions of files and sockets may be imported, and there is no handle to call them with

RESOURCES = {
    "a file": ("wasi:filesystem/types", "descriptor", "read-via-stream"),
    "a directory": ("wasi:filesystem/types", "directory-entry-stream", "read-directory-entry"),
    "a connection": ("wasi:sockets/tcp", "tcp-socket", "start-connect"),
    "a datagram": ("wasi:sockets/udp", "udp-socket", "start-bind"),
    "an address": ("wasi:sockets/ip-name-lookup", "resolve-address-stream", "resolve-next-address"),
    "a request": ("wasi:http/types", "incoming-request", "headers"),
}


@pytest.mark.parametrize(("interface", "resource", "method"), RESOURCES.values(), ids=RESOURCES.keys())
async def test_no_handle_can_be_made_up(modules: Modules, interface: str, resource: str, method: str) -> None:
    imported = f"""
      (import "{interface}@0.2.0" (instance $closed
        (export "{resource}" (type $r (sub resource)))
        (export "[method]{resource}.{method}" (func (param "self" (borrow $r))))))
      (core func $method (canon lower (func $closed "[method]{resource}.{method}")))
      (alias export $closed "{resource}" (type $held))
      (core func $drop (canon resource.drop $held))
    """
    for call in ("method", "drop"):
        for number in (0, 1, 2, 7, -1):
            core = f"""
              (import "closed" "it" (func $it (param i32)))
              (func (export "run") (result i32) (call $it (i32.const {number})) (i32.const 0))"""
            code = component(core, more=imported).replace(
                '(with "" (instance $memory))',
                f'(with "" (instance $memory)) (with "closed" (instance (export "it" (func ${call}))))',
            )
            ending = (await (await modules(code)).run()).ending
            assert isinstance(ending, Thrown), ending
            assert "handle" in ending.message


async def test_a_handle_of_one_thing_is_none_of_another(modules: Modules) -> None:
    # Standard output's number, given to what takes an input stream.
    uses = '(import "wasi:io/streams" "[method]input-stream.read" (func $read (param i32 i64 i32)))'
    module = await modules(speaking("(call $read (call $stdout) (i64.const 9) (i32.const 64))", uses=uses))
    assert "handle" in (await module.thrown()).message


async def test_a_handle_does_not_live_on_in_the_next_call(modules: Modules) -> None:
    first = await modules(speaking("(drop (call $stdout))"))
    second = await modules(speaking("(call $put (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))"))
    assert (await first.run()).ending == Returned()
    assert "handle" in (await second.thrown(call_of())).message


ASKED = [
    "wasi:filesystem/types@0.3.0",
    "wasi:threads/spawn@0.2.0",
    "wasi:nn/tensor@0.2.0",
    "wasmtime:host/run@1.0.0",
]


@pytest.mark.parametrize("name", ASKED)
async def test_what_is_not_given_is_not_loaded(modules: Modules, name: str) -> None:
    core = '(func (export "run") (result i32) (i32.const 0))'
    with pytest.raises(LoadError, match=name):
        await modules(component(core, more=f'(import "{name}" (instance))'))
