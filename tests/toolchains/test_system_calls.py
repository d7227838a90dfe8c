"""The seccomp policy's tables of system calls beside the kernel's own headers, which the package of the Zig compiler carries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.toolchains.compilers import ZIG, _from_pypi

from isthmus_cpython.inside import seccomp
from isthmus_cpython.inside.syscalls import AUDIT_ARCHITECTURES, NUMBERS

SPOKEN_OF = {
    *seccomp.ALLOWED,
    *seccomp.OPENING,
    *seccomp.WRITING,
    *seccomp.FATAL,
    *seccomp.ZYGOTES,
    *("socketpair", "sendto", "fcntl", "ioctl", "clone3", "landlock_create_ruleset", "landlock_add_rule"),
}
_DEFINED = re.compile(r"^#\s*define\s+__NR(?:3264)?_(\w+)\s+(?:__NR(?:3264)?_)?(\w+)\s*$", re.MULTILINE)
_AUDIT = re.compile(r"^#define (EM_\w+|__AUDIT_ARCH_\w+)\s+(\w+)", re.MULTILINE)


@pytest.fixture(scope="module")
def headers() -> Path:
    """Where the compiler has the headers of all architectures."""
    return _from_pypi(ZIG, {"zig": "{}/ziglang/zig"}).parent / "ziglang" / "lib" / "libc" / "include"


def numbers_in(directory: Path) -> dict[str, int]:
    """What an architecture's headers define, names that stand for other names resolved."""
    text = "\n".join((directory / "asm" / name).read_text() for name in ("unistd.h", "unistd_64.h"))
    if "asm-generic/unistd.h" in text:
        text += (directory.parent / "any-linux-any" / "asm-generic" / "unistd.h").read_text()
    defined = dict(_DEFINED.findall(text))
    found = {}
    for name, value in defined.items():
        number = value
        while not number.isdigit() and number in defined and defined[number] != number:
            number = defined[number]
        if number.isdigit():
            found[name] = int(number)
    return found


@pytest.mark.parametrize("machine", NUMBERS)
def test_every_number_is_the_kernels(headers: Path, machine: str) -> None:
    known = numbers_in(headers / f"{'x86' if machine == 'x86_64' else machine}-linux-any")
    assert len(known) > 250
    assert NUMBERS[machine] == {name: known[name] for name in NUMBERS[machine]}


@pytest.mark.parametrize("machine", NUMBERS)
def test_no_call_is_missing_that_the_policy_speaks_of(headers: Path, machine: str) -> None:
    known = numbers_in(headers / f"{'x86' if machine == 'x86_64' else machine}-linux-any")
    assert SPOKEN_OF & known.keys() == SPOKEN_OF & NUMBERS[machine].keys()


def test_architectures_are_named_as_the_kernel_names_them(headers: Path) -> None:
    kernels = headers / "any-linux-any" / "linux"
    defined = dict(_AUDIT.findall((kernels / "elf-em.h").read_text() + (kernels / "audit.h").read_text()))
    bits = int(defined["__AUDIT_ARCH_64BIT"], 16) | int(defined["__AUDIT_ARCH_LE"], 16)
    machines = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}
    assert {name: bits | int(defined[each]) for name, each in machines.items()} == AUDIT_ARCHITECTURES
