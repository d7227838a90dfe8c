"""An engine as an attacker meets it: code goes in, an outcome comes out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from isthmus import Engine, Function, Instance, Kind, Limits, Outcome, SettingDefinition
from isthmus.testing import MockFetcher

LIMITS = Limits(wall=300, cpu=1, memory=64 * 1024 * 1024)


class Prison:
    """Runs an attacker's code in one language."""

    def __init__(self, engine: Engine, fetcher: MockFetcher, language: str) -> None:
        self.engine = engine
        self.fetcher = fetcher
        self.language = language

    async def load(
        self, code: str, settings: Mapping[str, object] | None = None, *, kind: Kind = Kind.DESTINATION
    ) -> Instance:
        function = Function(
            name="prisoner",
            kind=kind,
            language=self.language,
            code=code,
            settings=tuple(SettingDefinition(name=name) for name in settings or ()),
        )
        return await self.engine.load(function, settings=settings or {}, limits=LIMITS)

    async def outcome(self, instance: Instance, **properties: object) -> Outcome:
        return await self.engine.invoke(instance, {"type": "track", "event": "E", "properties": properties})

    async def run(self, body: str) -> object:
        """What ``onTrack`` with this body returns."""
        instance = await self.load(f"async function onTrack(event, settings) {{ {body}\n}}")
        return value_of(await self.outcome(instance))


def value_of(outcome: Outcome) -> object:
    """What the handler returned; the test fails where it did not."""
    assert outcome.problem is None, outcome.problem
    return None if outcome.value is None else msgspec.json.decode(outcome.value)
