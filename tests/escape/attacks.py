"""A hostile function: each handler's event names one attack, and what comes back says how far it got.

This is the code that is loaded; it is not imported.  An attack that succeeds returns ``through``.
"""

import array
import ctypes
import errno
import gc
import mmap
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

THROUGH = "through"
LEAKS = []
ATTACKS = {}
libc = ctypes.CDLL(None, use_errno=True)


def attack(function):
    ATTACKS[function.__name__] = function
    return function


def on_track(event, settings):
    return ATTACKS[event["attack"]](event)


def on_page(event, settings):
    """The canary."""
    return {"sum": sum(event["numbers"])}


def system_call(x86, arm, *arguments):
    number = x86 if os.uname().machine == "x86_64" else arm
    longs = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = libc.syscall(ctypes.c_long(number), *longs)
    return THROUGH if result >= 0 else errno.errorcode[ctypes.get_errno()]


def tried(*acts):
    """``through`` where one of them raised nothing."""
    said = []
    for act in acts:
        try:
            act()
        except Exception as error:
            said.append(type(error).__name__)
        else:
            return THROUGH
    return said


def machine_code(code):
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return ctypes.CFUNCTYPE(ctypes.c_long)(address)()


# ---- other processes


@attack
def fork(event):
    return tried(os.fork)


@attack
def fork_bomb(event):
    for _ in range(100):
        if fork(event) == THROUGH:
            return THROUGH


@attack
def vfork_by_number(event):
    return system_call(58, 220, 0)


@attack
def clone3_by_number(event):
    return system_call(435, 435, ctypes.create_string_buffer(88), 88)


@attack
def execute_a_shell(event):
    return tried(lambda: os.execv("/bin/sh", ["sh", "-c", "exit 7"]))


@attack
def run_a_command(event):
    return tried(
        lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True),
        lambda: os.posix_spawn("/bin/sh", ["sh"], {}),
    )


@attack
def run_by_popen(event):
    return tried(lambda: 1 / (os.system("true") == 0))


@attack
def leave_a_daemon(event):
    def daemon():
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)

    return tried(daemon)


@attack
def thread_bomb(event):
    def wait():
        time.sleep(60)

    for number in range(100_000):
        try:
            threading.Thread(target=wait, daemon=True).start()
        except RuntimeError:
            return f"{number < 5000}"
    return THROUGH


@attack
def kill_the_parent(event):
    return tried(lambda: os.kill(os.getppid() or 1, signal.SIGKILL))


@attack
def kill_the_engine(event):
    return tried(lambda: os.kill(event["engine"], signal.SIGKILL), lambda: os.kill(event["engine"], 0))


@attack
def kill_everybody(event):
    return tried(lambda: os.kill(-1, signal.SIGKILL))


@attack
def kill_its_group(event):
    return tried(lambda: os.killpg(0, signal.SIGTERM))


@attack
def kill_by_thread(event):
    return system_call(234, 131, event["engine"], event["engine"], 0)


@attack
def open_a_process(event):
    return tried(lambda: os.pidfd_open(event["engine"]))


@attack
def trace_the_parent(event):
    return system_call(101, 117, 16, os.getppid() or 1, 0, 0)


@attack
def read_the_engines_memory(event):
    return system_call(310, 270, event["engine"], 0, 0, 0, 0, 0)


@attack
def read_what_proc_tells(event):
    paths = [
        f"/proc/{who}/{what}"
        for who in ("self", os.getppid(), event["engine"])
        for what in ("environ", "mem", "maps", "cmdline")
    ]
    paths += [f"/proc/{who}/fd/0" for who in (os.getppid(), event["engine"])]
    return tried(*(lambda path=path: open(path, "rb").read(10) for path in paths))


# ---- memory


@attack
def allocate_much(event):
    return len(bytearray(4 << 30)) and THROUGH


@attack
def grow_and_catch(event):
    kept = []
    while True:
        try:
            kept.append(bytearray(8 << 20))
        except MemoryError:
            if len(kept) > 64:
                return THROUGH
            return "stopped"


@attack
def map_shared_memory(event):
    return tried(lambda: mmap.mmap(-1, 2 << 30))


@attack
def make_a_memory_file(event):
    return tried(lambda: os.memfd_create("x"))


@attack
def return_much(event):
    return "x" * (40 << 20)


@attack
def big_number(event):
    return (7 ** (10**9)) and THROUGH


# ---- time


@attack
def loop(event):
    while True:
        pass


@attack
def loop_that_swallows_everything(event):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


@attack
def loop_behind_blocked_signals(event):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            continue
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


@attack
def loops_in_threads(event):
    for _ in range(4):
        threading.Thread(target=loop, args=(event,)).start()
    loop(event)


@attack
def sleep_for_ever(event):
    while True:
        time.sleep(1000)


@attack
def backtrack(event):
    return re.match(r"(a+)+$", "a" * 60 + "b") or THROUGH


@attack
def wait_on_a_lock(event):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@attack
def stop_itself(event):
    return tried(lambda: os.kill(os.getpid(), signal.SIGSTOP))


# ---- an early end


@attack
def exit_at_once(event):
    os._exit(3)


@attack
def raise_system_exit(event):
    raise SystemExit(0)


@attack
def leave_threads(event):
    for _ in range(3):
        threading.Thread(target=loop, args=(event,)).start()
    return "done"


@attack
def abort(event):
    os.abort()


@attack
def read_null(event):
    return ctypes.string_at(0)


@attack
def broken_bytecode(event):
    code = (lambda: 0).__code__.replace(co_code=b"\x64\xff" * 50, co_stacksize=0)
    return exec(code) or "survived"


@attack
def recurse_without_limit(event):
    sys.setrecursionlimit(10**9)

    def deeper(value):
        return [deeper([value])]

    return deeper(None)


@attack
def recurse_in_c(event):
    value = None
    for _ in range(10**6):
        value = [value]
    return repr(value)


@attack
def raise_what_cannot_be_shown(event):
    class Liar(Exception):
        def __str__(self):
            raise RuntimeError("no")

    raise Liar


# ---- the connection


def write(data):
    data = memoryview(data)
    while data:
        data = data[os.write(3, data) :]


def frame(kind, payload):
    return struct.pack("<IB", len(payload), kind) + payload


@attack
def write_garbage(event):
    write(os.urandom(1 << 16))
    time.sleep(60)


@attack
def announce_four_gigabytes(event):
    write(struct.pack("<IB", 0xFFFFFFFF, 4))
    time.sleep(60)


@attack
def announce_much_and_send_it(event):
    write(struct.pack("<IB", 20 << 20, 4) + bytes(20 << 20))
    time.sleep(60)


@attack
def unknown_kind(event):
    write(frame(99, b"{}"))
    time.sleep(60)


@attack
def forge_a_reply_and_more(event):
    write(frame(4, b'{"ok":true,"value":"forged"}') * 3)
    time.sleep(60)


@attack
def forge_a_fault(event):
    write(frame(5, b'{"message":"forged"}'))
    time.sleep(60)


@attack
def say_that_it_is_confined_again(event):
    write(frame(7, b""))
    time.sleep(60)


@attack
def tell_its_own_time(event):
    write(frame(8, bytes(8) + b'{"ok":true,"value":1}'))
    time.sleep(60)


@attack
def close_everything(event):
    os.closerange(0, 100)
    return THROUGH


@attack
def drip(event):
    for byte in frame(4, b'{"ok":true}' + b" " * 10_000):
        write(bytes([byte]))
        time.sleep(0.01)


@attack
def reply_nested_too_deeply(event):
    write(frame(4, b'{"ok":true,"value":' + b"[" * 200_000))
    time.sleep(60)


@attack
def reply_that_is_no_json(event):
    write(frame(4, b'{"ok":true,"value":NaN}'))
    time.sleep(60)


@attack
def reply_that_is_no_utf8(event):
    write(frame(4, b'{"ok":true,"value":"\xff\xfe"}'))
    time.sleep(60)


@attack
def reply_with_half_a_surrogate_pair(event):
    write(frame(4, b'{"ok":true,"value":"\\ud800"}'))
    time.sleep(60)


@attack
def reply_with_a_number_of_many_digits(event):
    write(frame(4, b'{"ok":true,"value":%s}' % (b"9" * 100_000)))
    time.sleep(60)


@attack
def reply_of_other_types(event):
    write(frame(4, b'{"ok":"yes","value":[],"thrown":7}'))
    time.sleep(60)


@attack
def messages_that_are_no_array(event):
    write(frame(4, b'{"ok":true,"messages":{"type":"track"}}'))
    time.sleep(60)


@attack
def a_notice_of_the_runtimes(event):
    write(frame(3, b'{"level":"notice","text":"trust me"}'))
    time.sleep(60)


@attack
def a_log_of_other_types(event):
    write(frame(3, b'{"level":"log","text":5,"at":-1}'))
    time.sleep(60)


@attack
def unknown_operation(event):
    write(frame(2, b'{"op":"__reduce__","id":1}'))
    time.sleep(60)


@attack
def fetch_that_is_none(event):
    write(frame(2, b'{"op":"fetch","id":1,"url":5}'))
    time.sleep(60)


@attack
def body_that_is_no_base64(event):
    write(frame(2, b'{"op":"fetch","id":1,"url":"http://a.example","body":"%%%","base64":true}'))
    time.sleep(60)


@attack
def the_same_number_twice(event):
    write(frame(2, b'{"op":"sleep","id":1,"seconds":50}') * 2)
    time.sleep(60)


@attack
def numbers_that_are_none(event):
    write(frame(2, b'{"op":"sleep","id":-1,"seconds":1e999}'))
    time.sleep(60)


@attack
def flood_of_operations(event):
    write(frame(2, b'{"op":"cache_delete","key":"k"}') * 200_000)
    time.sleep(60)


@attack
def flood_of_lines(event):
    for _ in range(1000):
        write(frame(3, b'{"level":"log","text":"%s"}' % (b"x" * 50_000)))
    return "done"


@attack
def never_read_answers(event):
    write(frame(2, b'{"op":"fetch","id":1,"url":"http://a.example/%s"}' % (b"x" * 600_000)))
    write(
        b"".join(
            frame(2, b'{"op":"fetch","id":%d,"url":"http://a.example/"}' % number) for number in range(2, 500)
        )
    )
    time.sleep(60)


@attack
def ready_again_and_again(event):
    write(frame(1, b"") * 10_000)
    return "done"


@attack
def change_the_shim(event):
    import json

    json.dumps = json.loads = os.write = struct.pack = None
    return "done"


@attack
def write_much_to_stdout(event):
    for _ in range(200):
        print("x" * 100_000)
    return "done"


@attack
def look_for_descriptors(event):
    found = []
    for number in range(64):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return THROUGH if set(found) - {0, 1, 2, 3} else "none"


@attack
def send_a_descriptor(event):
    with socket.socket(fileno=os.dup(3)) as connection:
        return tried(
            lambda: connection.sendmsg(
                [b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]
            )
        )


@attack
def look_for_others_settings(event):
    needle = "secret of " + "another"
    for thing in gc.get_objects():
        if isinstance(thing, dict) and any(
            isinstance(value, str) and value == needle for value in list(thing.values())
        ):
            return THROUGH
    frame_ = sys._getframe().f_back
    while frame_ is not None:
        if needle in map(str, frame_.f_locals.values()):
            return THROUGH
        frame_ = frame_.f_back
    return "none"


# ---- the kernel


@attack
def raise_its_limits(event):
    names = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE")
    return tried(
        *(lambda name=name: resource.setrlimit(getattr(resource, name), (1 << 40, 1 << 40)) for name in names)
    )


@attack
def become_root(event):
    return tried(lambda: os.setresuid(0, 0, 0) or 1 / (os.getuid() == 12345))


@attack
def be_nicer(event):
    return tried(lambda: os.nice(-10))


@attack
def new_user_namespace(event):
    return system_call(272, 97, 0x10000000)


@attack
def enter_a_namespace(event):
    return system_call(308, 268, 3, 0)


@attack
def mount_something(event):
    return system_call(165, 40, b"tmpfs", b"/tmp", b"tmpfs", 0, 0)


@attack
def unmount_its_scratch(event):
    return system_call(166, 39, b"/scratch/tmp", 2)


@attack
def change_root(event):
    return tried(lambda: os.chroot("/"))


@attack
def load_a_program_into_the_kernel(event):
    return system_call(321, 280, 0, ctypes.create_string_buffer(64), 64)


@attack
def io_ring(event):
    return system_call(425, 425, 8, ctypes.create_string_buffer(120))


@attack
def watch_performance(event):
    return system_call(298, 241, ctypes.create_string_buffer(120), 0, -1, -1, 0)


@attack
def use_keys(event):
    return system_call(250, 219, 0, -3, 1)


@attack
def handle_page_faults(event):
    return system_call(323, 282, 0)


@attack
def change_personality(event):
    return system_call(135, 92, 0x0040000)


@attack
def another_filter(event):
    return system_call(317, 277, 0, 0, 0)


@attack
def reboot(event):
    return system_call(169, 142, 0, 0, 0, 0)


@attack
def call_of_the_x32_abi(event):
    return system_call(0x40000000 + 39, 4000, 0)


@attack
def call_by_interrupt_80(event):
    if os.uname().machine != "x86_64":
        return "no such interrupt"
    return (
        machine_code(b"\xb8\x02\x00\x00\x00\xcd\x80\xc3") >= 0 and THROUGH
    )  # fork, as 32-bit programs call it


@attack
def call_fork_from_machine_code(event):
    if os.uname().machine != "x86_64":
        return "no code for this machine"
    return machine_code(b"\xb8\x39\x00\x00\x00\x0f\x05\xc3") >= 0 and THROUGH


@attack
def take_all_descriptors(event):
    made = []
    try:
        while len(made) < 10_000:
            made.append(os.pipe())
    except OSError as error:
        return errno.errorcode[error.errno]
    return THROUGH


@attack
def grow_a_pipe(event):
    import fcntl

    return tried(lambda: fcntl.fcntl(os.pipe()[1], 1031, 1 << 20))


@attack
def control_its_process(event):
    return system_call(157, 167, 4, 1, 0, 0, 0)


@attack
def regain_capabilities(event):
    header, every = struct.pack("<Ii", 0x20080522, 0), b"\xff" * 24
    return system_call(126, 91, ctypes.c_char_p(header), ctypes.c_char_p(every))


@attack
def receive_a_descriptor(event):
    with socket.socket(fileno=os.dup(3)) as connection:
        return tried(lambda: connection.recvmsg(1, socket.CMSG_SPACE(4), socket.MSG_DONTWAIT))


@attack
def own_signals_from_files(event):
    import fcntl

    return tried(lambda: fcntl.fcntl(3, fcntl.F_SETOWN, event["engine"]))


# ---- files


def readable(path):
    with open(path, "rb") as opened:
        opened.read(1)
    return THROUGH


@attack
def read_what_all_may_read(event):
    return tried(lambda: readable("/etc/passwd"), lambda: readable("/etc/hostname"))


@attack
def read_secrets(event):
    return tried(
        *(
            lambda path=path: readable(path)
            for path in ("/etc/shadow", event["secret"], os.path.expanduser("~/.ssh/id_rsa"))
        )
    )


@attack
def list_directories(event):
    return tried(
        *(
            lambda path=path: 1 / len(os.listdir(path))
            for path in ("/etc", "/home", "/proc", "/var", event["home"])
        )
    )


@attack
def read_the_hosts_packages(event):
    return tried(*(lambda path=path: readable(path) for path in event["packages"]))


@attack
def import_the_hosts_packages(event):
    return tried(
        lambda: __import__("trio"),
        lambda: __import__("msgspec"),
        lambda: __import__("isthmus"),
        lambda: __import__("isthmus_cpython._zygote"),
    )


@attack
def read_by_a_link(event):
    def link():
        os.symlink("/etc/passwd", "/tmp/link")
        return readable("/tmp/link")

    return tried(link, lambda: readable("/tmp/../etc/passwd"), lambda: readable("/proc/self/root/etc/passwd"))


@attack
def write_outside(event):
    places = [
        "/etc/x",
        "/x",
        "/dev/shm/x",
        "/var/tmp/x",
        os.path.dirname(os.__file__) + "/x",
        event["home"] + "/x",
        "/scratch/x",
    ]
    return tried(*(lambda place=place: open(place, "w") for place in places))


@attack
def change_the_library(event):
    return tried(
        lambda: open(os.__file__, "a"), lambda: os.chmod(os.__file__, 0o777), lambda: os.unlink(os.__file__)
    )


@attack
def fill_its_disk(event):
    written = 0
    for number in range(1000):
        try:
            with open(f"/tmp/{number}", "wb") as opened:
                while opened.write(bytes(1 << 20)):
                    opened.flush()
                    written += 1
                    if written > 64:
                        return THROUGH
        except OSError:
            break
    return "stopped"


@attack
def make_a_device(event):
    return tried(lambda: os.mknod("/tmp/device", 0o600 | 0o020000, os.makedev(1, 1)))


@attack
def open_a_device(event):
    return tried(
        *(
            lambda path=path: open(path, "rb+")
            for path in ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse")
        )
    )


@attack
def run_what_it_wrote(event):
    def act():
        with open("/tmp/program", "wb") as opened:
            opened.write(b"#!/bin/sh\n")
        os.chmod("/tmp/program", 0o755)
        os.execv("/tmp/program", ["program"])

    return tried(act)


# ---- the network


@attack
def connect(event):
    return tried(lambda: socket.create_connection(("127.0.0.1", event["port"]), 1))


@attack
def listen(event):
    return tried(lambda: socket.create_server(("127.0.0.1", 0)))


@attack
def send_a_datagram(event):
    return tried(
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", event["port"]))
    )


@attack
def send_a_datagram_from_a_pair(event):
    def act():
        one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        one.sendto(b"x", event["datagrams"])

    return tried(act)


@attack
def send_from_a_stream_pair(event):
    def act():
        one, _ = socket.socketpair()
        one.sendto(b"x", event["datagrams"])

    return tried(act)


@attack
def other_families(event):
    families = [
        ("AF_NETLINK", socket.SOCK_RAW),
        ("AF_VSOCK", socket.SOCK_STREAM),
        ("AF_PACKET", socket.SOCK_RAW),
        ("AF_ALG", socket.SOCK_SEQPACKET),
        ("AF_INET", socket.SOCK_RAW),
        ("AF_UNIX", socket.SOCK_STREAM),
    ]
    return tried(
        *(
            lambda family=family, kind=kind: socket.socket(getattr(socket, family), kind)
            for family, kind in families
        )
    )


@attack
def resolve_a_name(event):
    return tried(
        lambda: socket.getaddrinfo("localhost.localdomain.invalid", 80) and 1,
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    )


# ---- the next call


@attack
def leave_something(event):
    LEAKS.append("left")
    os.environ["LEFT"] = "left"
    sys.modules["left"] = sys
    try:
        with open("/tmp/left", "w") as opened:
            opened.write("left")
    except OSError:
        pass
    threading.Thread(target=loop, args=(event,), daemon=True).start()
    return "left"


@attack
def find_something_left(event):
    found = LEAKS or "LEFT" in os.environ or "left" in sys.modules or os.path.exists("/tmp/left")
    return THROUGH if found else "none"
