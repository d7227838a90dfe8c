"""What a Python function may define, and what it gets and gives."""

from __future__ import annotations

import pytest
from tests.python import Functions, lines_of, value_of

from isthmus import Code, Kind, LoadError, Request, Status


async def test_a_handler_gets_dicts_and_gives_one(functions: Functions) -> None:
    outcome = await functions.outcome(
        """
        def on_track(event, settings):
            return {"types": [type(event).__name__, type(settings).__name__], "sum": event["a"] + 1, "key": settings["k"]}
        """,
        {"a": 41},
        settings={"k": "v"},
    )
    assert value_of(outcome) == {"types": ["dict", "dict"], "sum": 42, "key": "v"}
    assert outcome.handler == "onTrack"
    assert outcome.usage.memory > 1_000_000


async def test_processor_time_is_told(functions: Functions) -> None:
    """Of a call that has some: not every system tells of less than a tick."""
    outcome = await functions.outcome("def on_track(event, settings): return sum(range(3_000_000))")
    assert value_of(outcome) == 4_499_998_500_000
    assert 0.005 < outcome.usage.cpu < 5


async def test_handlers_may_be_async_and_have_segments_names(functions: Functions) -> None:
    code = """
    import asyncio
    async def onTrack(event, settings):
        a, b = await asyncio.gather(asyncio.sleep(0, "a"), asyncio.to_thread(lambda: "b"))
        return a + b
    """
    assert value_of(await functions.outcome(code)) == "ab"


async def test_every_handler_has_both_names(functions: Functions) -> None:
    types = ["identify", "track", "page", "screen", "group", "alias", "delete"]
    for pythonic in (True, False):
        names = [f"on_{type_}" if pythonic else f"on{type_.title()}" for type_ in types]
        code = "\n".join(f"def {name}(event, settings): return {name!r}" for name in names)
        instance = await functions.load(code)
        for type_, name in zip(types, names, strict=True):
            assert value_of(await functions.engine.invoke(instance, {"type": type_})) == name


async def test_a_batch_comes_as_a_list(functions: Functions) -> None:
    instance = await functions.load(
        "def on_batch(events, settings): return [{'status': 200 if e['ok'] else 500} for e in events]"
    )
    outcome = await functions.engine.invoke_batch(
        instance, [{"type": "track", "ok": True}, {"type": "track", "ok": False}]
    )
    assert [item.status for item in outcome.items] == [Status.DELIVERED, Status.RETRY]


async def test_a_handler_that_is_missing_is_event_not_supported(functions: Functions) -> None:
    outcome = await functions.outcome("def on_page(event, settings): pass")
    assert outcome.problem is not None
    assert outcome.problem.name == "EventNotSupported"


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("EventNotSupported", Status.REFUSED, Code.UNSUPPORTED_EVENT_TYPE),
        ("InvalidEventPayload", Status.REFUSED, Code.MESSAGE_REJECTED),
        ("ValidationError", Status.REFUSED, Code.MESSAGE_REJECTED),
        ("RetryError", Status.RETRY, Code.RETRY),
        ("DropEvent", Status.DROPPED, Code.FILTERED),
    ],
)
async def test_segments_errors_mean_what_they_mean(
    functions: Functions, name: str, status: Status, code: Code
) -> None:
    source = f"""
    from isthmus_guest import {name}
    class Mine({name}): pass
    def on_track(event, settings): raise {name}("said")
    def on_page(event, settings): raise Mine("said")
    """
    instance = await functions.load(source, kind=Kind.INSERT)
    for type_ in ("track", "page"):
        outcome = await functions.engine.invoke(instance, {"type": type_})
        assert (outcome.status, outcome.problem and outcome.problem.code) == (status, code)
        assert outcome.problem is not None
        assert (outcome.problem.name, outcome.problem.message) == (name, "said")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("90", 90.0),
        ("'120'", 120.0),
        ("-1", None),
        ("'soon'", None),
        ("object()", None),
        ("'Wed, 21 Oct 2015 07:28:00 GMT'", 0.0),
        ("'9' * 5000", None),
    ],
)
async def test_an_error_says_in_how_many_seconds_to_try_again(
    functions: Functions, said: str, seconds: float | None
) -> None:
    outcome = await functions.outcome(
        f"""
        from isthmus_guest import RetryError
        def on_track(event, settings): raise RetryError("later", retry_after={said})
        """
    )
    assert outcome.problem is not None
    assert (outcome.problem.message, outcome.problem.retry_after) == ("later", seconds)


async def test_any_other_exception_is_shown_with_the_authors_lines_alone(functions: Functions) -> None:
    outcome = await functions.outcome(
        """
        import json
        def parse(text):
            return json.loads(text)
        def on_track(event, settings):
            return parse("{")
        """,
        file="my-function/code.py",
    )
    assert outcome.problem is not None
    assert outcome.problem.name == "JSONDecodeError"
    lines = [
        line for line in outcome.problem.stack.splitlines() if line.strip("^~ ")
    ]  # marks are a version's own
    assert lines == [
        '  File "my-function/code.py", line 6, in on_track',
        '    return parse("{")',
        '  File "my-function/code.py", line 4, in parse',
        "    return json.loads(text)",
    ]


async def test_an_async_handler_is_shown_without_the_event_loop(functions: Functions) -> None:
    outcome = await functions.outcome(
        """
        import asyncio
        async def inner():
            await asyncio.sleep(0)
            raise LookupError("gone")
        async def on_track(event, settings):
            await asyncio.wait_for(asyncio.gather(inner()), 5)
        """
    )
    assert outcome.problem is not None
    files = [line for line in outcome.problem.stack.splitlines() if line.startswith("  File")]
    assert files == [
        '  File "function.py", line 7, in on_track',
        '  File "function.py", line 5, in inner',
    ]


async def test_one_error_out_of_a_task_group_is_that_error(functions: Functions) -> None:
    code = """
    import asyncio
    from isthmus_guest import RetryError
    async def fail(error):
        raise error
    async def on_track(event, settings):
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(RetryError("later")))
    async def on_page(event, settings):
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(RetryError("later")))
            group.create_task(fail(KeyError("k")))
    """
    instance = await functions.load(code)
    one = await functions.engine.invoke(instance, {"type": "track"})
    assert one.problem is not None
    assert (one.status, one.problem.name, one.problem.message) == (Status.RETRY, "RetryError", "later")
    assert "with RetryError:\n" in one.problem.stack
    assert "line 5, in fail" in one.problem.stack
    two = await functions.engine.invoke(instance, {"type": "page"})
    assert two.problem is not None
    assert (two.status, two.problem.name) == (Status.REFUSED, "ExceptionGroup")
    assert [line for line in two.problem.stack.splitlines() if line.startswith("with ")] == [
        "with RetryError:",
        "with KeyError:",
    ]


async def test_a_module_that_breaks_what_a_call_needs_is_told_by_its_call(functions: Functions) -> None:
    outcome = await functions.outcome(
        "import json\njson.loads = None\ndef on_track(event, settings): return 1"
    )
    assert outcome.problem is not None
    assert (outcome.problem.name, outcome.status) == ("TypeError", Status.REFUSED)


async def test_an_errors_cause_is_shown(functions: Functions) -> None:
    outcome = await functions.outcome(
        """
        def on_track(event, settings):
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise ValueError("no") from error
        """
    )
    assert outcome.problem is not None
    assert "caused by ZeroDivisionError:" in outcome.problem.stack


@pytest.mark.parametrize(
    "raised", ["SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()", "BaseException('x')"]
)
async def test_what_ends_a_program_ends_a_call(functions: Functions, raised: str) -> None:
    outcome = await functions.outcome(f"def on_track(event, settings): raise {raised}")
    assert outcome.problem is not None
    assert outcome.problem.name == raised.partition("(")[0]
    assert outcome.status is Status.REFUSED


async def test_what_is_returned_may_be_more_than_json_has_types_for(functions: Functions) -> None:
    returned = await functions.value(
        """
        import dataclasses, datetime, decimal, enum, pathlib, types, uuid
        @dataclasses.dataclass
        class Point:
            x: int
            y: "Point | None" = None
        class Color(enum.Enum):
            RED = "red"
        return {
            "point": Point(1, Point(2)), "tuple": (1, 2), "set": {7}, "color": Color.RED, 5: None,
            "day": datetime.date(2024, 2, 29), "time": datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC),
            "decimal": [decimal.Decimal("2"), decimal.Decimal("2.5")], "id": uuid.UUID(int=1),
            "path": pathlib.PurePosixPath("/a/b"), "proxy": types.MappingProxyType({"a": 1}),
        }
        """
    )
    assert returned == {
        "point": {"x": 1, "y": {"x": 2, "y": None}}, "tuple": [1, 2], "set": [7], "color": "red", "5": None,
        "day": "2024-02-29", "time": "2024-02-29T12:00:00+00:00", "decimal": [2, 2.5],
        "id": "00000000-0000-0000-0000-000000000001", "path": "/a/b", "proxy": {"a": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("object()", "object has no JSON form"),
        ("b'abc'", "bytes has no JSON form; base64.b64encode makes text of it: YWJj"),
        ("float('nan')", "Out of range float values are not JSON compliant"),
        ("(lambda a: a.append(a) or a)([])", "Circular reference detected"),
        (
            "eval('['*90 + ']'*90) and (lambda f: f(f, 5000))(lambda f, n: [f(f, n - 1)] if n % 500 else [])",
            "",
        ),
        ("10**5000", "Exceeds the limit (4300 digits)"),
    ],
)
async def test_what_json_cannot_hold_is_said(functions: Functions, expression: str, why: str) -> None:
    code = f"def on_track(event, settings): return {{'a': {expression}}}"
    shown = await functions.outcome(code)
    assert shown.status is Status.DELIVERED
    if why:
        assert why in shown.logs[-1].text
        refused = await functions.outcome(code, kind=Kind.INSERT)
        assert refused.problem is not None
        assert refused.problem.name == "InvalidEventPayload"
        assert why in refused.problem.message


async def test_none_is_nothing_returned(functions: Functions) -> None:
    outcome = await functions.outcome("def on_track(event, settings): pass", kind=Kind.INSERT)
    assert outcome.status is Status.DROPPED


async def test_what_is_printed_and_logged_is_console_output(functions: Functions) -> None:
    outcome = await functions.outcome(
        """
        import logging, sys
        from isthmus_guest import log
        def on_track(event, settings):
            print("one", 2)
            print("half ", end="")
            print("line")
            sys.stderr.write("wrong\\n")
            log("logged", {"a": 1})
            log.warn("careful")
            logging.getLogger("x").info("info %s", 1)
            logging.error("error")
            logging.debug("unseen")
            sys.stdout.write("rest")
        """
    )
    assert lines_of(outcome) == [
        ("log", "one 2"), ("log", "half line"), ("error", "wrong"), ("log", "logged {'a': 1}"), ("warn", "careful"),
        ("info", "info 1"), ("error", "error"), ("log", "rest"),
    ]  # fmt: skip
    assert all(0 <= line.at < 60 for line in outcome.logs)


async def test_output_is_cut_and_the_cut_is_counted(functions: Functions) -> None:
    outcome = await functions.outcome(
        "def on_track(event, settings):\n for _ in range(1000): print('x' * 100)"
    )
    assert outcome.usage.log_bytes == 100_000
    assert sum(len(line.text) for line in outcome.logs if line.level == "log") == 4096
    assert "4096 of 100000 bytes are kept" in outcome.logs[-1].text


async def test_a_webhook_is_an_object_and_messages_go_out(functions: Functions) -> None:
    request = Request(
        url="https://fn.segmentapis.com/?b=1&c=",
        headers=(("Content-Type", "application/json"), ("X-Two", "a"), ("x-two", "b")),
        body=b'{"user":"u1"}',
    )
    outcome = await functions.webhook(
        """
        from isthmus_guest import segment, Segment
        def on_request(request, settings):
            assert request.json() is request.json()
            sent = segment.track(event="Seen", user_id=request.json()["user"], properties={"q": request.query}, unknown=1)
            assert sent["userId"] == "u1"
            Segment.identify({"userId": "u1", "traits": {"t": request.headers["x-two"]}})
            segment.set(collection="rows", id="1", properties={"m": request.method, "raw": request.body.decode()})
        """,
        request,
    )
    assert outcome.problem is None, outcome.problem
    import msgspec

    assert [msgspec.json.decode(message) for message in outcome.messages] == [
        {"type": "track", "event": "Seen", "properties": {"q": {"b": "1", "c": ""}}, "userId": "u1"},
        {"type": "identify", "traits": {"t": "a, b"}, "userId": "u1"},
        {"collection": "rows", "id": "1", "properties": {"m": "POST", "raw": '{"user":"u1"}'}},
    ]


async def test_a_form_is_parsed_and_bytes_stay_bytes(functions: Functions) -> None:
    form = Request(headers=(("content-type", "application/x-www-form-urlencoded"),), body=b"a=1&b=x+y&b=z")
    code = "def on_request(request, settings): print(request.json(), request.body)"
    outcome = await functions.webhook(code, form)
    assert lines_of(outcome) == [("log", "{'a': '1', 'b': ['x y', 'z']} b'a=1&b=x+y&b=z'")]
    raw = Request(headers=(("content-type", "application/json"),), body=b"\xff\x00")
    outcome = await functions.webhook("def on_request(request, settings): print(request.body)", raw)
    assert lines_of(outcome) == [("log", "b'\\xff\\x00'")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("track(user_id='u')", "event is required but not defined"),
        ("track(event='e')", "One of userId,anonymousId is required but not defined"),
        ("group(user_id='u')", "groupId is required but not defined"),
        ("alias(user_id='u')", "previousId is required but not defined"),
        ("set(id='1')", "collection is required but not defined"),
        ("page(name='p')", "One of userId,anonymousId is required but not defined"),
    ],
)
async def test_messages_need_what_segment_needs(functions: Functions, call: str, message: str) -> None:
    code = f"from isthmus_guest import segment\ndef on_request(request, settings): segment.{call}"
    outcome = await functions.webhook(code, Request())
    assert outcome.problem is not None
    assert (outcome.problem.name, outcome.problem.message) == ("ValidationError", message)
    if call.startswith("page"):
        assert (await functions.webhook(code, Request(), lenient=True)).problem is None


async def test_choice_14_nothing_is_sent_where_the_call_fails(functions: Functions) -> None:
    code = """
    from isthmus_guest import segment
    def on_request(request, settings):
        segment.track(event="e", user_id="u")
        raise ValueError("after all")
    """
    outcome = await functions.webhook(code, Request())
    assert outcome.messages == ()
    assert outcome.status is Status.REFUSED


@pytest.mark.parametrize(
    ("code", "message", "line", "column"),
    [
        ("def on_track(event, settings)\n    pass", "SyntaxError: expected ':'", 1, 30),
        ("x = 1\n\nundefined_name\n", "NameError: name 'undefined_name' is not defined", 3, 1),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'", 1, 1),
        ("on_track = 5", "TypeError: on_track should be a function, but is int", None, None),
        ("def on_track(e, s): pass\ndef onTrack(e, s): pass", "TypeError: on_track and onTrack are the same handler; define one of them", None, None),
        ("raise SystemExit(1)", "SystemExit: 1", 1, 1),
        ("from isthmus_guest import fetch\nfetch('http://a.example')", "RuntimeError: fetch can be used within a handler, not while the code is loaded", 2, 1),
        ("import os\nos._exit(7)", "the process that loads the code ended before it had (exit status 7); where it wants more memory than Limits.memory, 134217728 bytes, it may end so", None, None),
        ("import ctypes\nctypes.string_at(0)", "the process that loads the code ended before it had (SIGSEGV); where it wants more memory than Limits.memory, 134217728 bytes, it may end so", None, None),
        (b"\xff", "the code is not UTF-8: invalid start byte at byte 0", None, None),
    ],
)  # fmt: skip
async def test_what_does_not_load_says_where(
    functions: Functions, code: str, message: str, line: int | None, column: int | None
) -> None:
    import isthmus

    function = isthmus.Function(name="f", kind=Kind.DESTINATION, language="python", code=code, file="f.py")
    with pytest.raises(LoadError) as caught:
        await functions.engine.load(function)
    error = caught.value
    assert (error.message, error.line, error.column) == (message, line, column)
    if line is not None:
        assert error.excerpt.splitlines()[0 if line == 1 else 1].startswith(f"> {line:4} | ")
