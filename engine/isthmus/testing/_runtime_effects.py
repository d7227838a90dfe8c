"""Promises of runtimes: what a function asks of its host, and nothing passes it by."""

from __future__ import annotations

import msgspec
import trio

from isthmus.abc import FetchRequest, FetchResponse, Reply
from isthmus.errors import FetchError

from ._kit_host import KitHost
from ._runtime_bench import LONGEST, RuntimeBench, check, thrown, value_of


@check("fetch")
async def a_request_goes_out_as_it_was_made(bench: RuntimeBench) -> None:
    host = KitHost()
    assert await bench.value("fetch", host=host) == 201
    (request,) = host.requests
    assert (request.method, request.url, request.body) == ("POST", "https://kit.test/path", b"hello")
    assert {name.lower(): value for name, value in request.headers}.get("x-kit") == "yes"


@check("fetch")
async def an_error_of_the_network_is_a_fetch_error(bench: RuntimeBench) -> None:
    def refuse(request: FetchRequest) -> FetchResponse:
        raise FetchError(f"request to {request.url} failed, reason: nobody listens", code="ECONNREFUSED")

    error = thrown(await bench.reply("fetch", host=KitHost(refuse)))
    assert error.name == "FetchError"
    assert "nobody listens" in error.message


@check("fetch", "echo")
async def calls_that_wait_hold_up_nobody(bench: RuntimeBench) -> None:
    program, gate = await bench.program("fetch"), trio.Event()
    hosts = [KitHost() for _ in range(10)]
    replies: list[Reply] = []

    async def one(host: KitHost) -> None:
        host.gate = gate
        replies.append(await program.run(bench.call(), host))

    with trio.fail_after(LONGEST):
        async with trio.open_nursery() as nursery:
            for host in hosts:
                nursery.start_soon(one, host)
            for host in hosts:
                await host.waiting.wait()
            assert await bench.value("echo", {"n": 1}) == {"n": 1}
            gate.set()
    assert [value_of(reply) for reply in replies] == [201] * 10


@check("nap")
async def a_function_waits_by_its_host(bench: RuntimeBench) -> None:
    host = KitHost()
    assert await bench.value("nap", host=host) == "woke"
    assert host.slept
    assert 0.015 <= sum(host.slept) < 1


@check("cached")
async def what_was_loaded_is_kept_by_the_host(bench: RuntimeBench) -> None:
    host = KitHost()
    assert await bench.value("cached", host=host) == "loaded"
    assert {key: msgspec.json.decode(value) for key, value in host.cache.items()} == {"k": "loaded"}
    host.cache["k"] = b'"kept"'
    assert await bench.value("cached", host=host) == "kept"


@check("capable")
async def a_capability_gets_its_argument_and_gives_its_result(bench: RuntimeBench) -> None:
    host = KitHost(
        capabilities={
            "kit.double": lambda argument: {"doubled": 2 * argument["n"], "text": "\u00df \U0001f642"}
        }
    )
    assert await bench.value("capable", host=host) == {"doubled": 42, "text": "\u00df \U0001f642"}
    assert host.asked == [("kit.double", {"n": 21})]


@check("capable")
async def a_capability_that_is_refused_is_a_capability_error(bench: RuntimeBench) -> None:
    host = KitHost()
    error = thrown(await bench.reply("capable", host=host))
    assert error.name == "CapabilityError"
    assert "there is no kit.double here" in error.message
    assert host.asked == [("kit.double", {"n": 21})]


@check("chatter")
async def console_output_comes_in_its_order(bench: RuntimeBench) -> None:
    host = KitHost()
    await bench.reply("chatter", host=host)
    assert [text for level, text in host.lines if level != "notice"] == ["line 1", "line 2", "line 3"]


@check("sends")
async def messages_of_a_source_are_in_the_reply(bench: RuntimeBench) -> None:
    program = await bench.program("sends")
    assert "onRequest" in program.handlers
    webhook = {"method": "POST", "url": "https://localhost/?a=b", "headers": [["a", "b"]], "text": "{}"}
    reply = await program.run(bench.call(webhook, handler="onRequest"), KitHost())
    value_of(reply)
    (message,) = msgspec.json.decode(reply.messages)
    assert (message["type"], message["event"], message["userId"]) == ("track", "Sent", "u")
