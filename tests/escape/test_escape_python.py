"""What a Python function must not reach, line by line; each line is an attack of ``attacks.py``.

Every attack is tried at every level of isolation this machine has that is to hold it, as who runs the tests and as
``nobody``; beside each a harmless call must succeed, and in the end nothing may be left.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
import pytest
from tests.escape.siege import Report

from isthmus import Function, Kind, Limits
from isthmus.errors import EngineError
from isthmus_cpython import CPythonRuntime, Level

if sys.platform != "linux":
    pytest.skip("the layers are Linux's", allow_module_level=True)

ROOT: Final = Path(__file__).parents[2]

ENDLESS: Final = {
    "loop": "Timeout",
    "loop_that_swallows_everything": "Timeout",
    "loop_behind_blocked_signals": "Timeout",
    "loops_in_threads": "Timeout",
    "sleep_for_ever": "Timeout",
    "wait_on_a_lock": "Timeout",
    "backtrack": "Timeout",
    "big_number": "Timeout",
    "drip": "Timeout",
    "never_read_answers": "Timeout",
    "write_garbage": "Crash OutputLimit Timeout",
}
"""What only its limit ends, and how that is told."""

HELD_BY_ANY: Final = {
    # memory and output
    "allocate_much": "MemoryLimit",
    "grow_and_catch": "= stopped",
    "map_shared_memory": "= ['OSError']",
    "return_much": "OutputLimit",
    "write_much_to_stdout": "= done",
    "thread_bomb": "= True",
    "take_all_descriptors": "= EMFILE",
    # an early end
    "exit_at_once": "Crash",
    "raise_system_exit": "SystemExit",
    "leave_threads": "= done",
    "abort": "Crash",
    "read_null": "Crash",
    "broken_bytecode": "Crash SystemError",
    "recurse_without_limit": "Crash SystemError MemoryLimit RecursionError",
    "recurse_in_c": "RecursionError MemoryLimit",
    "raise_what_cannot_be_shown": "Exception",
    # the connection
    "announce_four_gigabytes": "OutputLimit",
    "announce_much_and_send_it": "OutputLimit",
    "unknown_kind": "Crash",
    "forge_a_reply_and_more": "= forged",
    "forge_a_fault": "Crash",
    "say_that_it_is_confined_again": "Crash",
    "tell_its_own_time": "Crash",
    "close_everything": "Crash",
    "reply_nested_too_deeply": "Crash",
    "reply_that_is_no_json": "Crash",
    "reply_that_is_no_utf8": "Crash",
    "reply_with_half_a_surrogate_pair": "",
    "reply_with_a_number_of_many_digits": "",
    "reply_of_other_types": "Crash",
    "messages_that_are_no_array": "Crash",
    "a_notice_of_the_runtimes": "Crash",
    "a_log_of_other_types": "Crash",
    "unknown_operation": "Crash",
    "fetch_that_is_none": "Crash",
    "body_that_is_no_base64": "Crash",
    "the_same_number_twice": "Crash",
    "numbers_that_are_none": "Crash",
    "flood_of_operations": "Crash",
    "flood_of_lines": "= done",
    "ready_again_and_again": "= done",
    "change_the_shim": "Crash",
    "look_for_descriptors": "= none",
    "look_for_others_settings": "= none",
    "import_the_hosts_packages": "",
}
"""What ends by itself, and how that is told; after ``=`` comes a value, and nothing stands for any value but success."""

HELD_BY_SECCOMP: Final = """
fork fork_bomb vfork_by_number clone3_by_number call_fork_from_machine_code execute_a_shell run_a_command run_by_popen leave_a_daemon
kill_the_parent kill_the_engine kill_everybody kill_its_group kill_by_thread open_a_process stop_itself own_signals_from_files grow_a_pipe
control_its_process regain_capabilities receive_a_descriptor trace_the_parent read_the_engines_memory send_a_descriptor
raise_its_limits become_root be_nicer another_filter make_a_memory_file make_a_device open_a_device
new_user_namespace enter_a_namespace mount_something unmount_its_scratch change_root reboot change_personality
load_a_program_into_the_kernel io_ring watch_performance use_keys handle_page_faults
call_of_the_x32_abi call_by_interrupt_80
connect listen send_a_datagram send_a_datagram_from_a_pair send_from_a_stream_pair other_families resolve_a_name
write_outside change_the_library fill_its_disk run_what_it_wrote
""".split()  # noqa: SIM905 -- reads better than a list of fifty

HELD_BY_LANDLOCK: Final = """
read_what_all_may_read read_secrets list_directories read_the_hosts_packages read_by_a_link read_what_proc_tells
""".split()  # noqa: SIM905

IN_TURN: Final = {"leave_something": "= left", "find_something_left": "= none"}
"""What one call leaves, and what the next finds of it; without seccomp there is a directory that all may write to."""

USERS: Final = ("the one who tests", "nobody") if os.geteuid() == 0 else ("the one who tests",)
SIEGES: Final = [(level, user) for level in Level for user in USERS]
_reports: dict[tuple[str, str], Report] = {}


def attacks_at(level: Level) -> list[str]:
    """Attacks to try at a level; those that it does not hold would hurt the machine, but for reading."""
    if level is Level.PROCESS:
        return [*HELD_BY_ANY]
    return [*HELD_BY_ANY, *HELD_BY_SECCOMP, *HELD_BY_LANDLOCK]


def in_turn_at(level: Level) -> list[str]:
    """Attacks to try one after the other."""
    return [] if level is Level.PROCESS else [*IN_TURN]


def report_of(level: Level, user: str) -> Report:
    """What became of all attacks, tried once."""
    if (level, user) not in _reports:
        siege = [
            sys.executable,
            "-m",
            "tests.escape.siege",
            level,
            " ".join(ENDLESS),
            " ".join(attacks_at(level)),
            " ".join(in_turn_at(level)),
        ]
        dropped = [sys.executable, str(ROOT / "tests" / "unprivileged.py")] if user == "nobody" else []
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": "/nonexistent" if dropped else os.environ.get("HOME", "/"),
        }
        done = subprocess.run([*dropped, *siege], cwd=ROOT, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-4000:]
        _reports[level, user] = msgspec.json.decode(done.stdout, type=Report)
    return _reports[level, user]


CASES: Final = [
    pytest.param(level, user, attack, id=f"{level}, {user}: {attack}")
    for level, user in SIEGES
    for attack in [*ENDLESS, *attacks_at(level), *in_turn_at(level)]
]


@pytest.mark.parametrize(("level", "user", "attack"), CASES)
def test_an_attack_is_held(level: Level, user: str, attack: str) -> None:
    report = report_of(level, user)
    fate = report.fates[attack]
    assert fate.harmless
    expected = ENDLESS.get(attack) or HELD_BY_ANY.get(attack) or IN_TURN.get(attack, "")
    if expected.startswith("= "):
        assert str(fate.value) == expected[2:]
    elif expected:
        assert fate.problem in expected.split(), (fate.problem, fate.message, fate.value)
    elif attack in HELD_BY_LANDLOCK and Level(report.level).strength < Level.KERNEL.strength:
        assert "landlock" in report.missing  # it may go through, and the report says why
    else:
        assert fate.value != "through"
        assert fate.problem in {"", "Crash"}, (fate.problem, fate.message)


def test_no_attack_is_forgotten() -> None:
    tree = ast.parse(Path(__file__).with_name("attacks.py").read_text("utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}
    assert there == {*ENDLESS, *IN_TURN, *attacks_at(Level.KERNEL_NS)}


@pytest.mark.parametrize(("level", "user"), SIEGES)
def test_a_siege_leaves_nothing_and_its_level_is_what_it_says(level: Level, user: str) -> None:
    report = report_of(level, user)
    assert report.left == []
    assert report.datagrams == 0
    reached = Level(report.level)
    assert reached is level or (reached.strength < level.strength and report.missing)
    assert (report.user == 0) == (user != "nobody" and os.geteuid() == 0)


@pytest.mark.parametrize("user", USERS)
def test_without_landlock_what_all_may_read_is_read_and_with_it_not(user: str) -> None:
    """The control: the attack works where nothing is to hold it."""
    assert report_of(Level.KERNEL, user).fates["read_what_all_may_read"].value != "through"
    assert report_of(Level.SECCOMP, user).fates["read_what_all_may_read"].value == "through"


async def test_below_the_level_that_is_required_nothing_is_loaded() -> None:
    function = Function(name="f", kind=Kind.DESTINATION, language="python", code="def on_track(e, s): pass")
    for level, least in (
        (Level.PROCESS, Level.SECCOMP),
        (Level.SECCOMP, Level.KERNEL),
        (Level.KERNEL, Level.KERNEL_NS),
    ):
        runtime = CPythonRuntime(isolation=level, require_isolation=least)
        with pytest.raises(EngineError, match=f"isolation '{level}' at the most, and '.+' is required"):
            await runtime.load(function, Limits())
