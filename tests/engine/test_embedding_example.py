"""The example of the documentation, which really runs."""

from __future__ import annotations

from typing import Any

import trio

# fmt: off
# [example]
import isthmus
from isthmus.testing import ScriptedRuntime, World


async def deliver_one(runtime: object) -> str:
    function = isthmus.Function(
        name="greeter", kind=isthmus.Kind.DESTINATION, language="scripted", code="greet",
        settings=(isthmus.SettingDefinition(name="apiKey", required=True, sensitive=True),),
    )
    async with isthmus.open_engine(plugins=[runtime], load_entry_points=False) as engine:
        instance = await engine.load(function, settings={"apiKey": "s3cret"})
        outcome = await engine.invoke(instance, b'{"type":"track","event":"Order Completed"}')
        return f"{outcome.status}: {outcome.logs[0].text} in {outcome.usage.wall:.0f} s"
# [/example]
# fmt: on


def test_the_example_runs() -> None:
    def on_track(event: Any, settings: Any, world: World) -> None:
        world.host.log("info", f"{event['event']} with {settings['apiKey']}")

    said = trio.run(deliver_one, ScriptedRuntime({"onTrack": on_track}))
    assert said == "delivered: Order Completed with [redacted:apiKey] in 0 s"
