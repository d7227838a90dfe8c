"""Seccomp: which system calls a function's process may make, and with which arguments.

What is on no list fails with EPERM, so that code which asks politely finds another way.  What only an
attack asks for ends the process.  Paths are behind pointers, where a filter cannot look: files are
the business of Landlock and of the namespaces.

The policy is in two filters, of which the stricter verdict counts.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from . import bpf
from .kernel import MACHINE, call
from .syscalls import AUDIT_ARCHITECTURES, NUMBERS, number

__all__ = ["Filter", "inner", "outer"]

ALLOWED = """
read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64 readv writev access select
sched_yield mremap madvise dup dup2 dup3 pause nanosleep getpid getrlimit getrusage sysinfo times getuid getgid geteuid getegid
getppid sigaltstack rt_sigpending rt_sigtimedwait rt_sigsuspend gettid futex sched_getaffinity getdents64 set_tid_address
restart_syscall clock_gettime clock_getres clock_nanosleep exit_group exit epoll_wait epoll_ctl newfstatat readlink readlinkat
faccessat faccessat2 pselect6 ppoll poll set_robust_list get_robust_list epoll_pwait epoll_pwait2 eventfd2 epoll_create1
epoll_create pipe2 pipe getcpu getrandom membarrier statx rseq getcwd uname stat lstat gettimeofday time fadvise64 getpgrp getpgid
getsockname getpeername getsockopt setsockopt shutdown recvfrom waitid wait4 sched_getparam sched_getscheduler
sched_get_priority_max sched_get_priority_min getpriority close_range alarm getitimer setitimer chdir
""".split()  # noqa: SIM905 -- reads better than a list of a hundred
OPENING = ["openat", "open"]
WRITING = """
mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 pwrite64 ftruncate fsync fdatasync flock chmod fchmod
fchmodat umask utimensat
""".split()  # noqa: SIM905
FATAL = """
ptrace process_vm_readv process_vm_writev mount umount2 pivot_root chroot setns unshare bpf userfaultfd perf_event_open keyctl
add_key request_key init_module finit_module kexec_load reboot io_uring_setup io_uring_enter io_uring_register open_tree
move_mount fsopen fsconfig fsmount pidfd_getfd personality
""".split()  # noqa: SIM905
ZYGOTES = """
clone prlimit64 prctl capset seccomp landlock_restrict_self unshare mount sendmsg recvmsg kill pidfd_open
""".split()  # noqa: SIM905
"""What a zygote does to fork a child and see it off, and a child to confine itself; then it is over."""

_WRITES = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC and the bit of O_TMPFILE; the same on both architectures."""
_CLONE_THREAD = 0x10000
_CLONE_NEW = 0x7E020000
"""The bits of all namespaces: a thread has those of its process."""
_AF_UNIX = 1
_STREAMS = [1 | nonblocking | cloexec for nonblocking in (0, 0o4000) for cloexec in (0, 0o2000000)]
_FCNTLS = [0, 1, 2, 3, 4, 5, 6, 7, 1030]
"""Duplicate, flags of descriptor and file, record locks; not F_SETOWN, which sends signals to others."""
_IOCTLS = [0x5401, 0x5421, 0x541B, 0x5451, 0x5450, 0x5413]
"""TCGETS, FIONBIO, FIONREAD, FIOCLEX, FIONCLEX, TIOCGWINSZ."""
_SET_MODE_FILTER = 1


def outer(machine: str, *, writable: bool) -> bytes:
    """The filter that a zygote puts on and its children inherit: the whole list, and what the zygote itself needs.

    Putting on a long filter costs more than the rest of a child's confinement; so it is done once.

    Args:
        machine: ``x86_64`` or ``aarch64``.
        writable: there is a directory of the call's own to write in, and something else confines it to that.
    """
    numbers = NUMBERS[machine]
    rows = bpf.header(AUDIT_ARCHITECTURES[machine])
    rows += bpf.rule(numbers["socketpair"], bpf.any_of(0, _AF_UNIX), bpf.any_of(1, *_STREAMS))
    rows += bpf.rule(numbers["sendto"], *bpf.is_null(4))
    rows += bpf.rule(numbers["fcntl"], bpf.any_of(1, *_FCNTLS))
    rows += bpf.rule(numbers["ioctl"], bpf.any_of(1, *_IOCTLS))
    # Its flags are behind a pointer; told that there is no such call, the C library uses clone.
    rows += bpf.verdict(numbers["clone3"], bpf.refuse(errno.ENOSYS))
    allowed = _known([*ALLOWED, *OPENING, *(WRITING if writable else []), *ZYGOTES], numbers)
    fatal = [each for each in _known(FATAL, numbers) if each not in allowed]
    return b"".join([*rows, *bpf.table(allowed, fatal, bpf.refuse(errno.EPERM))])


def inner(machine: str, *, writable: bool) -> bytes:
    """The filter that a child puts on over the outer one: none of what was the zygote's.

    Args:
        machine: as for :func:`outer`.
        writable: likewise.
    """
    numbers = NUMBERS[machine]
    rows = bpf.header(AUDIT_ARCHITECTURES[machine])
    if not writable:
        reading = bpf.refuse(errno.EROFS)
        rows += bpf.rule(numbers["openat"], bpf.needs(2, none_of=_WRITES), otherwise=reading)
        if "open" in numbers:
            rows += bpf.rule(numbers["open"], bpf.needs(1, none_of=_WRITES), otherwise=reading)
    thread = (bpf.needs(0, all_of=_CLONE_THREAD), bpf.needs(0, none_of=_CLONE_NEW))
    rows += bpf.rule(numbers["clone"], *thread, otherwise=bpf.refuse(errno.EAGAIN))
    rows += bpf.rule(numbers["prlimit64"], *bpf.is_null(2))
    ruled = {numbers["clone"], numbers["prlimit64"]}
    fatal = _known(FATAL, numbers)
    for each in _known(ZYGOTES, numbers):
        if each not in ruled:
            rows += bpf.verdict(each, bpf.KILL_PROCESS if each in fatal else bpf.refuse(errno.EPERM))
    return b"".join([*rows, *bpf.table([], [], bpf.ALLOW)])


def _known(names: list[str], numbers: dict[str, int]) -> list[int]:
    """Numbers of the calls that an architecture has."""
    return sorted({numbers[name] for name in names if name in numbers})


class Filter:
    """A filter made once, to be installed by any number of processes."""

    def __init__(self, code: bytes) -> None:
        self._number = number("seccomp")
        self._buffer = ctypes.create_string_buffer(code, len(code))
        # struct sock_fprog: the number of instructions, and where they are.
        header = struct.pack("@HP", len(code) // 8, ctypes.addressof(self._buffer))
        self._program = ctypes.create_string_buffer(header, len(header))

    @classmethod
    def pair(cls, *, writable: bool) -> tuple[Filter, Filter]:
        """The outer and the inner filter of this machine.

        Raises:
            OSError: there are no tables for this machine.
        """
        number("seccomp")
        return cls(outer(MACHINE, writable=writable)), cls(inner(MACHINE, writable=writable))

    def install(self) -> None:
        """From here on this process has only the calls that the filter lets through.

        Raises:
            OSError: the kernel has no seccomp, or forbids it.
        """
        call(self._number, "seccomp", _SET_MODE_FILTER, 0, self._program)
