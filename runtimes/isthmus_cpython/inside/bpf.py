"""Classic BPF as seccomp runs it: instructions, and rules over a call's number and arguments.

A filter is a row of eight-byte instructions over one accumulator.  Rules come one after the other, each
beginning with the call's number in the accumulator; one that speaks of another call falls through.
"""

from __future__ import annotations

import errno
import struct

__all__ = [
    "ALLOW",
    "KILL_PROCESS",
    "Check",
    "any_of",
    "header",
    "is_null",
    "needs",
    "refuse",
    "rule",
    "table",
    "verdict",
]

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_SET, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT = 0x40000000

Check = list[bytes]
"""Instructions that fall through where an argument is as it must be, and jump over one where it is not."""


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value & 0xFFFFFFFF)


def refuse(number: int) -> int:
    """The verdict that makes a call fail with an errno."""
    return _ERRNO | number


def header(architecture: int) -> list[bytes]:
    """What every filter begins with: no other architecture's calls (int 0x80), none of the x32 ABI."""
    return [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        _instruction(_JUMP_EQUAL, architecture, 1),
        _instruction(_RETURN, KILL_PROCESS),
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_JUMP_AT_LEAST, _X32_BIT, 0, 1),
        _instruction(_RETURN, KILL_PROCESS),
    ]


def _low(argument: int) -> bytes:
    return _instruction(_LOAD, _ARGUMENTS_AT + 8 * argument)


def any_of(argument: int, *values: int) -> Check:
    """The argument's lower half is one of these."""
    jumps = [_instruction(_JUMP_EQUAL, value, len(values) - at) for at, value in enumerate(values)]
    return [_low(argument), *jumps]


def needs(argument: int, *, all_of: int = 0, none_of: int = 0) -> Check:
    """Of the argument's lower half, these bits are set or those are not."""
    if all_of:
        return [_low(argument), _instruction(_AND, all_of), _instruction(_JUMP_EQUAL, all_of, 1)]
    return [_low(argument), _instruction(_JUMP_SET, none_of, 0, 1)]


def is_null(argument: int) -> list[Check]:
    """The argument is 0, in both its halves."""
    high = _instruction(_LOAD, _ARGUMENTS_AT + 8 * argument + 4)
    return [any_of(argument, 0), [high, _instruction(_JUMP_EQUAL, 0, 1)]]


def rule(number: int, *checks: Check, otherwise: int = refuse(errno.EPERM)) -> list[bytes]:
    """Allow a call whose arguments pass all checks; one that does not gets the other verdict."""
    body: list[bytes] = []
    for check in checks:
        body += [*check, _instruction(_RETURN, otherwise)]
    body.append(_instruction(_RETURN, ALLOW))
    return [_instruction(_JUMP_EQUAL, number, 0, len(body)), *body]


def verdict(number: int, what: int) -> list[bytes]:
    """One verdict for all calls of a number."""
    return [_instruction(_JUMP_EQUAL, number, 0, 1), _instruction(_RETURN, what)]


def table(allowed: list[int], fatal: list[int], otherwise: int) -> list[bytes]:
    """The end of a filter: the numbers that are allowed, those that end the process, and the rest.

    Jumps reach over 255 instructions, so the table is made in parts.
    """
    rows: list[bytes] = []
    for numbers, what in ((allowed, ALLOW), (fatal, KILL_PROCESS)):
        for start in range(0, len(numbers), 200):
            part = numbers[start : start + 200]
            rows += [_instruction(_JUMP_EQUAL, each, len(part) - at) for at, each in enumerate(part)]
            rows += [_instruction(0x05, 1), _instruction(_RETURN, what)]
    return [*rows, _instruction(_RETURN, otherwise)]
