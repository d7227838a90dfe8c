"""Functions saved, restored and deployed in any order, beside a model of what each version and each source should be."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from sqlalchemy import create_engine, insert
from sqlalchemy.pool import StaticPool

from isthmus_server.store import (
    Conflict,
    Draft,
    KeyRing,
    NotFound,
    Page,
    ResourceType,
    Transaction,
    new_key,
)
from isthmus_server.store.schema import METADATA, workspaces
from isthmus_server.store.work import Work

KEYS = KeyRing.from_text(new_key())
CODES = st.sampled_from(["// a", "// b", "// c"])


@dataclass
class Made:
    """What is known of a function: the codes of its versions, and which of them runs where."""

    id: str
    kind: ResourceType
    codes: list[str]
    deployed: int | None
    sources: dict[str, int | None] = field(default_factory=dict)

    @property
    def running(self) -> set[int]:
        """Indexes of the versions that run."""
        if self.kind is not ResourceType.SOURCE:
            return {self.deployed} if self.deployed is not None else set()
        return {index for index in self.sources.values() if index is not None}


class StoreMachine(RuleBasedStateMachine):
    functions: Bundle[Made] = Bundle("functions")

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        METADATA.create_all(self.engine)
        self.connection = self.engine.connect()
        self.connection.execute(
            insert(workspaces).values(id="w", slug="w", name="W", revision=1, token_key=b"")
        )
        self.now = 1_800_000_000.0
        self.known: list[Made] = []

    def teardown(self) -> None:
        self.connection.close()
        self.engine.dispose()

    @property
    def tx(self) -> Transaction:
        self.now += 1
        return Transaction(Work(self.connection, KEYS, self.now, "me"))

    @rule(target=functions, kind=st.sampled_from(ResourceType), code=CODES)
    def create(self, kind: ResourceType, code: str) -> Made:
        return self._made(kind, code)

    def _made(self, kind: ResourceType, code: str) -> Made:
        function = self.tx.functions.create(kind, Draft(code=code, display_name="f"))
        made = Made(function.id, kind, [code], None if kind is ResourceType.SOURCE else 0)
        self.known.append(made)
        return made

    @initialize(target=functions)
    def begin(self) -> Made:
        made = self._made(ResourceType.SOURCE, "// a")
        for number in range(2):
            self._connected(made, number)
        return made

    @rule(made=functions, code=CODES)
    def save(self, made: Made, code: str) -> None:
        self.tx.functions.update(made.id, Draft(code=code))
        made.codes.append(code)
        if made.kind is not ResourceType.SOURCE:
            made.deployed = len(made.codes) - 1

    @rule(made=functions)
    def rename(self, made: Made) -> None:
        before = self.tx.functions.get(made.id)
        after = self.tx.functions.update(made.id, Draft(display_name="other"))
        assert (after.latest, after.deployed) == (before.latest, before.deployed)

    @rule(made=functions, choice=st.integers(0, 20))
    def restore(self, made: Made, choice: int) -> None:
        versions, _ = self.tx.functions.versions(made.id, Page())
        chosen = versions[choice % len(versions)]
        self.tx.functions.restore(made.id, chosen.id)
        made.codes.append(chosen.code)

    @rule(made=functions)
    def connect(self, made: Made) -> None:
        if made.kind is ResourceType.SOURCE:
            self._connected(made, len(made.sources))

    def _connected(self, made: Made, number: int) -> None:
        source = self.tx.sources.create(f"{made.id}-{number}", made.id, {}, enabled=True)
        made.sources[source.id] = None

    @rule(made=functions, choice=st.integers(0, 5))
    def deploy(self, made: Made, choice: int) -> None:
        if made.sources:
            source = sorted(made.sources)[choice % len(made.sources)]
            self.tx.functions.deploy(source)
            made.sources[source] = made.deployed = len(made.codes) - 1

    @rule(made=consumes(functions))
    def delete(self, made: Made) -> None:
        if made.sources:
            with pytest.raises(Conflict):
                self.tx.functions.delete(made.id)
            for source in made.sources:
                self.tx.sources.delete(source)
        self.tx.functions.delete(made.id)
        self.known.remove(made)
        with pytest.raises(NotFound):
            self.tx.functions.get(made.id)

    @invariant()
    def versions_are_what_was_saved(self) -> None:
        for made in self.known:
            function = self.tx.functions.get(made.id)
            versions, total = self.tx.functions.versions(made.id, Page())
            versions.reverse()
            assert total == len(made.codes)
            assert [version.code for version in versions] == made.codes
            assert {index for index, version in enumerate(versions) if version.is_deployed} == made.running
            assert function.code == made.codes[-1]
            assert function.latest == versions[-1].id
            assert function.deployed == (None if made.deployed is None else versions[made.deployed].id)

    @invariant()
    def what_runs_is_what_was_deployed(self) -> None:
        running = {
            found.source.id: found.function and found.function.function.code
            for found in self.tx.snapshot().sources
        }
        wanted = {
            source: None if index is None else made.codes[index]
            for made in self.known
            for source, index in made.sources.items()
        }
        assert running == wanted


StoreMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
TestStore = StoreMachine.TestCase
