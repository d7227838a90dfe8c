"""The two filters of system calls, run by an interpreter of the test's own: what the stricter of them says."""

from __future__ import annotations

import errno
import struct

import pytest

from isthmus_cpython.inside import seccomp
from isthmus_cpython.inside.bpf import ALLOW, KILL_PROCESS
from isthmus_cpython.inside.syscalls import AUDIT_ARCHITECTURES, NUMBERS

MACHINES = tuple(NUMBERS)
THREAD = 0x3D0F00  # as the C library asks for one
FORK = 0x1200011


def verdict(code: bytes, number: int, *arguments: int, architecture: int) -> int:
    """What a filter says to a call; as the kernel's manual of classic BPF has it."""
    data = struct.pack("<iIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    rows: list[tuple[int, int, int, int]] = list(struct.iter_unpack("<HBBI", code))
    at = accumulator = 0
    while True:
        operation, if_true, if_false, value = rows[at]
        at += 1
        if operation == 0x20:
            accumulator = int.from_bytes(data[value : value + 4], "little")
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x05:
            at += value
        elif operation == 0x06:
            return value
        else:
            true = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: accumulator & value != 0,
            }[operation]
            at += if_true if true else if_false


def of_zygote(machine: str, number: int, *arguments: int, writable: bool = True) -> int:
    """What a zygote is told."""
    code = seccomp.outer(machine, writable=writable)
    return verdict(code, number, *arguments, architecture=AUDIT_ARCHITECTURES[machine])


def of_child(machine: str, number: int, *arguments: int, writable: bool = True) -> int:
    """What a child is told, by both filters: to be killed, or else to fail, or else that it may."""
    inner = verdict(
        seccomp.inner(machine, writable=writable),
        number,
        *arguments,
        architecture=AUDIT_ARCHITECTURES[machine],
    )
    both = [of_zygote(machine, number, *arguments, writable=writable), inner]
    return min(both, key=lambda each: (each != KILL_PROCESS, each == ALLOW))


def failing(number: int) -> int:
    return 0x00050000 | number


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("writable", [True, False])
def test_every_call_by_its_number(machine: str, *, writable: bool) -> None:
    numbers = NUMBERS[machine]
    by_arguments = {
        "openat",
        "open",
        "socketpair",
        "sendto",
        "fcntl",
        "ioctl",
        "prlimit64",
        "clone",
        "clone3",
    }
    allowed = {*seccomp.ALLOWED, *seccomp.OPENING, *(seccomp.WRITING if writable else ())} - by_arguments
    names = {number: name for name, number in numbers.items()}
    for number in range(600):
        name = names.get(number, "")
        if name in by_arguments:
            continue
        told = of_child(machine, number, writable=writable)
        if name in allowed:
            assert told == ALLOW, name
        elif name in seccomp.FATAL:
            assert told == KILL_PROCESS, name
        else:
            assert told == failing(errno.EPERM), (number, name)


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_by_their_arguments(machine: str) -> None:
    numbers = NUMBERS[machine]
    for name, arguments, expected in (
        ("clone", [THREAD], ALLOW),
        ("clone", [FORK], failing(errno.EAGAIN)),
        ("clone", [THREAD | 0x10000000], failing(errno.EAGAIN)),
        ("clone", [THREAD | 0x20000], failing(errno.EAGAIN)),
        ("clone3", [0], failing(errno.ENOSYS)),
        ("prlimit64", [0, 9, 0], ALLOW),
        ("prlimit64", [0, 9, 4096], failing(errno.EPERM)),
        ("prlimit64", [0, 9, 1 << 32], failing(errno.EPERM)),
        ("socketpair", [1, 1, 0], ALLOW),
        ("socketpair", [2, 1, 0], failing(errno.EPERM)),
        ("socketpair", [1, 2, 0], failing(errno.EPERM)),
        ("sendto", [3, 4096, 5, 0, 0], ALLOW),
        ("sendto", [3, 4096, 5, 0, 1 << 40], failing(errno.EPERM)),
        ("fcntl", [3, 1], ALLOW),
        ("fcntl", [3, 8], failing(errno.EPERM)),
        ("ioctl", [3, 0x5401], ALLOW),
        ("ioctl", [3, 0x5412], failing(errno.EPERM)),
    ):
        assert of_child(machine, numbers[name], *arguments) == expected, (name, arguments)
    for flags in (0o1, 0o2, 0o100, 0o1000, 0o20200000):
        assert of_child(machine, numbers["openat"], 0, 0, flags, writable=False) == failing(errno.EROFS)
        assert of_child(machine, numbers["openat"], 0, 0, flags) == ALLOW
    assert of_child(machine, numbers["openat"], 0, 0, 0o2000000, writable=False) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_a_zygote_has_what_it_needs_and_its_children_have_not(machine: str) -> None:
    numbers = NUMBERS[machine]
    for name in seccomp.ZYGOTES:
        assert of_zygote(machine, numbers[name], FORK, 0, 4096) == ALLOW, name
        assert of_child(machine, numbers[name], FORK, 0, 4096) != ALLOW, name


@pytest.mark.parametrize("machine", MACHINES)
def test_the_calls_of_another_architecture_end_the_process(machine: str) -> None:
    for code in (seccomp.outer(machine, writable=True), seccomp.inner(machine, writable=False)):
        assert verdict(code, 1, architecture=0x40000003) == KILL_PROCESS
        assert verdict(code, 0x40000001, architecture=AUDIT_ARCHITECTURES[machine]) == KILL_PROCESS
        assert len(code) // 8 <= 4096
