"""WASI preview 1 in a world: streams, clocks, chance, waiting; and that there is no file to be had."""

from __future__ import annotations

import pytest
from tests.javascript import NOW, FakeHost, call_of
from tests.wasm.modules import SIGNATURES, Modules, command

BADF, INVAL, NOTDIR, NOTSUP, NOTSOCK, SPIPE, NOTCAPABLE, NOSYS = 8, 28, 54, 58, 57, 70, 76, 52
SEED = bytes(range(32))

STREAM = {
    "fd_advise": SPIPE, "fd_allocate": NOTSUP, "fd_datasync": INVAL, "fd_sync": INVAL, "fd_seek": SPIPE,
    "fd_tell": SPIPE, "fd_pread": SPIPE, "fd_pwrite": SPIPE, "fd_readdir": NOTDIR, "fd_filestat_set_size": INVAL,
    "fd_filestat_set_times": NOTCAPABLE, "fd_fdstat_set_flags": 0, "fd_fdstat_set_rights": 0,
    "fd_fdstat_get": 0, "fd_filestat_get": 0, "fd_prestat_get": BADF, "fd_prestat_dir_name": BADF,
    "path_create_directory": NOTDIR, "path_filestat_get": NOTDIR, "path_filestat_set_times": NOTDIR,
    "path_link": NOTDIR, "path_open": NOTDIR, "path_readlink": NOTDIR, "path_remove_directory": NOTDIR,
    "path_rename": NOTDIR, "path_unlink_file": NOTDIR, "sock_accept": NOTSOCK, "sock_recv": NOTSOCK,
    "sock_send": NOTSOCK, "sock_shutdown": NOTSOCK,
}  # fmt: skip
"""What each function says of a stream (descriptor 1)."""


def reporting(call: str, uses: str, before: str = "") -> str:
    """A command that returns the number that a call gave."""
    body = f"""
      (local $errno i32)
      {before}
      (local.set $errno {call})
      (call $out (i32.const 1024) (i32.const 10))
      (call $number (i64.extend_i32_u (local.get $errno)))
      (call $out (i32.const 1034) (i32.const 1))"""
    return command(body, uses=uses, data='{\\"return\\":}')


def arguments(name: str, first: int) -> str:
    kinds = SIGNATURES[name].split()
    at = 2 if name == "path_symlink" else 0
    values = [first if index == at else 2048 if kind == "i32" else 0 for index, kind in enumerate(kinds)]
    return " ".join(f"({kind}.const {value})" for kind, value in zip(kinds, values, strict=True))


@pytest.mark.parametrize(("name", "errno"), sorted(STREAM.items()))
async def test_a_stream_is_no_file_and_no_socket(modules: Modules, name: str, errno: int) -> None:
    module = await modules(reporting(f"(call ${name} {arguments(name, 1)})", name))
    assert await module.value() == errno


@pytest.mark.parametrize(
    "name", [*sorted(STREAM), "path_symlink", "fd_close", "fd_read", "fd_write", "fd_renumber"]
)
@pytest.mark.parametrize("descriptor", [3, -1])
async def test_there_is_no_fourth_descriptor(modules: Modules, name: str, descriptor: int) -> None:
    module = await modules(reporting(f"(call ${name} {arguments(name, descriptor)})", name))
    assert await module.value() == BADF


async def test_one_argument_and_no_environment(modules: Modules) -> None:
    module = await modules(
        command(
            """
            (drop (call $args_sizes_get (i32.const 2048) (i32.const 2052)))
            (drop (call $args_get (i32.const 2056) (i32.const 2064)))
            (drop (call $environ_sizes_get (i32.const 2060) (i32.const 2080)))
            (call $out (i32.const 1024) (i32.const 11))
            (call $out (i32.load (i32.const 2056)) (i32.sub (i32.load (i32.const 2052)) (i32.const 1)))
            (call $number (i64.load32_u (i32.const 2048)))
            (call $number (i64.load32_u (i32.const 2060)))
            (call $out (i32.const 1035) (i32.const 2))""",
            uses="args_get args_sizes_get environ_sizes_get",
            data='{\\"return\\":\\"\\"}',
        )
    )
    assert await module.value() == "function10"


@pytest.mark.parametrize(
    ("call", "errno"),
    [
        ("(call $fd_read (i32.const 1) (i32.const 2048) (i32.const 0) (i32.const 16))", BADF),
        ("(call $fd_write (i32.const 0) (i32.const 2048) (i32.const 0) (i32.const 16))", BADF),
        ("(call $clock_time_get (i32.const 4) (i64.const 0) (i32.const 2048))", INVAL),
        ("(call $clock_res_get (i32.const 9) (i32.const 2048))", INVAL),
        ("(call $clock_res_get (i32.const 0) (i32.const 2048))", 0),
        ("(call $proc_raise (i32.const 9))", NOSYS),
        ("(call $sched_yield)", 0),
        ("(call $poll_oneoff (i32.const 2048) (i32.const 4096) (i32.const 0) (i32.const 16))", INVAL),
        ("(call $environ_get (i32.const 2048) (i32.const 2048))", 0),
    ],
)
async def test_other_answers(modules: Modules, call: str, errno: int) -> None:
    uses = "fd_read clock_time_get clock_res_get proc_raise sched_yield poll_oneoff environ_get"
    assert await (await modules(reporting(call, uses))).value() == errno


async def test_a_closed_stream_is_gone_for_this_call_alone(modules: Modules) -> None:
    module = await modules(
        reporting(
            "(call $fd_fdstat_get (i32.const 2) (i32.const 2048))",
            "fd_close fd_fdstat_get",
            "(drop (call $fd_close (i32.const 2)))",
        )
    )
    assert [await module.value() for _ in range(2)] == [BADF, BADF]
    other = await modules(reporting("(call $fd_close (i32.const 2))", "fd_close"))
    assert [await other.value() for _ in range(2)] == [0, 0]


async def test_a_renumbered_stream_goes_where_its_number_says(modules: Modules) -> None:
    module = await modules(
        command(
            """
            (drop (call $fd_renumber (i32.const 1) (i32.const 2)))
            (call $write (i32.const 2) (i32.const 1024) (i32.const 12))""",
            uses="fd_renumber",
            data='{\\"return\\":1}',
        )
    )
    assert await module.value() == 1


def clocks(*looks: int, wait: str = "") -> str:
    body = ["(call $out (i32.const 1024) (i32.const 11))"]
    for index, clock in enumerate(looks):
        body += [
            wait if index else "",
            "(call $out (i32.const 1035) (i32.const 1))" if index else "",
            f"(drop (call $clock_time_get (i32.const {clock}) (i64.const 0) (i32.const 2048)))",
            "(call $number (i64.load (i32.const 2048)))",
        ]
    body.append("(call $out (i32.const 1036) (i32.const 2))")
    return command("\n".join(body), uses="clock_time_get poll_oneoff", data='{\\"return\\":[,]}')


def numbers(value: object) -> list[int]:
    assert isinstance(value, list)
    return value


async def test_time_begins_at_the_calls_now_and_moves_on_with_each_look(modules: Modules) -> None:
    module = await modules(clocks(0, 0, 1, 1))
    for _ in range(2):
        real, later, steady, steadier = numbers(await module.value())
        assert real == int(NOW) * 1_000_000_000 + 1000
        assert later == real + 1000
        assert steadier == steady + 1000
        assert steady > 0


def poll(*subscriptions: str) -> str:
    """Writes subscriptions at 4096 and polls."""
    writes = []
    for index, text in enumerate(subscriptions):
        at = 4096 + 48 * index
        kind, number, timeout, flags = (int(part) for part in text.split())
        writes += [
            f"(memory.fill (i32.const {at}) (i32.const 0) (i32.const 48))",
            f"(i64.store (i32.const {at}) (i64.const {100 + index}))",
            f"(i32.store8 (i32.const {at + 8}) (i32.const {kind}))",
            f"(i32.store (i32.const {at + 16}) (i32.const {number}))",
            f"(i64.store (i32.const {at + 24}) (i64.const {timeout}))",
            f"(i32.store16 (i32.const {at + 40}) (i32.const {flags}))",
        ]
    count = len(subscriptions)
    return "\n".join(
        [
            *writes,
            f"(drop (call $poll_oneoff (i32.const 4096) (i32.const 8192) (i32.const {count}) (i32.const 16)))",
        ]
    )


async def test_waiting_is_the_hosts_and_moves_the_clocks(modules: Modules) -> None:
    module = await modules(clocks(1, 1, wait=poll("0 1 20000000 0")))
    host = FakeHost()
    before, after = numbers(await module.value(host=host))
    assert host.slept == [0.02]
    assert after - before >= 20_000_000


async def test_waiting_until_a_time_that_is_past_does_not_wait(modules: Modules) -> None:
    module = await modules(clocks(1, 1, wait=poll("0 1 5 1")))
    host = FakeHost()
    await module.value(host=host)
    assert host.slept == []


@pytest.mark.parametrize(
    ("subscriptions", "events"),
    [
        (["1 0 0 0"], [(100, 0, 1)]),
        (["2 1 0 0", "0 1 50000000000 0"], [(100, 0, 2)]),
        (["0 1 1000000 0", "0 0 50000000000 0"], [(100, 0, 0)]),
        (["0 1 50000000000 0", "0 1 1000000 0"], [(101, 0, 0)]),
        (["2 7 0 0"], [(100, BADF, 2)]),
        (["1 1 0 0"], [(100, BADF, 1)]),
        (["0 9 0 0"], [(100, INVAL, 0)]),
        (["0 1 1000000 0", "0 1 1000000 0"], [(100, 0, 0), (101, 0, 0)]),
    ],
)
async def test_polling(
    modules: Modules, subscriptions: list[str], events: list[tuple[int, int, int]]
) -> None:
    shown = "\n".join(
        [
            "(local.set $count (i64.load32_u (i32.const 16)))",
            "(call $out (i32.const 1024) (i32.const 11))",
            "(call $number (local.get $count))",
            *(
                f"""(call $out (i32.const 1035) (i32.const 1))
                (call $number (i64.load (i32.const {8192 + 32 * index})))
                (call $out (i32.const 1035) (i32.const 1))
                (call $number (i64.load16_u (i32.const {8192 + 32 * index + 8})))
                (call $out (i32.const 1035) (i32.const 1))
                (call $number (i64.load8_u (i32.const {8192 + 32 * index + 10})))"""
                for index in range(len(events))
            ),
            "(call $out (i32.const 1036) (i32.const 2))",
        ]
    )
    module = await modules(
        command(
            "(local $count i64)" + poll(*subscriptions) + shown, uses="poll_oneoff", data='{\\"return\\":[,]}'
        )
    )
    flat = [len(events), *(number for event in events for number in event)]
    assert await module.value() == flat


RANDOM = command(
    """
    (drop (call $random_get (i32.const 8192) (i32.const 5000)))
    (call $out (i32.const 1024) (i32.const 11))
    (call $hex (i32.const 8192) (i32.const 5000))
    (call $out (i32.const 1035) (i32.const 2))""",
    uses="random_get",
    data='{\\"return\\":\\"\\"}',
)


async def test_chance_comes_from_the_calls_seed(modules: Modules) -> None:
    module = await modules(RANDOM)
    one, again = [await module.value(call_of(seed=SEED)) for _ in range(2)]
    other = await module.value(call_of(seed=bytes(32)))
    assert one == again
    assert one != other
    assert isinstance(one, str)
    drawn = bytes.fromhex(one)
    assert len(drawn) == 5000
    assert drawn[:4096] != drawn[904:]
    assert len(set(drawn)) == 256


async def test_scattered_output_and_input(modules: Modules) -> None:
    module = await modules(
        command(
            """
            (local $got i32)
            (i32.store (i32.const 2048) (i32.const 4096)) (i32.store (i32.const 2052) (i32.const 3))
            (i32.store (i32.const 2056) (i32.const 5000)) (i32.store (i32.const 2060) (i32.const 0))
            (i32.store (i32.const 2064) (i32.const 4099)) (i32.store (i32.const 2068) (i32.const 9))
            (drop (call $fd_read (i32.const 0) (i32.const 2048) (i32.const 3) (i32.const 16)))
            (local.set $got (i32.load (i32.const 16)))
            (call $out (i32.const 1024) (i32.const 11))
            (call $hex (i32.const 4096) (local.get $got))
            (call $out (i32.const 1035) (i32.const 2))""",
            uses="fd_read",
            data='{\\"return\\":\\"\\"}',
        )
    )
    assert bytes.fromhex(str(await module.value())) == b'{"handler":"'
