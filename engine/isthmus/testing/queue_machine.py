"""A queue against a model of it, over any course of events.  Needs the extra ``isthmus[testing]``.

::

    class TestMyQueue(queue_machine(make_subject).TestCase): ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from isthmus.queues import Claim, Entry, QueueOptions

from ._queue_model import MachineSubject as MachineSubject, ModelDelivery, Portal

__all__ = ["MachineSubject", "queue_machine"]

_LEASE: Final = 30.0
_WINDOW: Final = 60.0
_MOST_UNACKED: Final = 4
_LINES: Final = {
    "plain": QueueOptions(lease=_LEASE, dedupe_window=_WINDOW, max_unacked=_MOST_UNACKED),
    "ordered": QueueOptions(lease=_LEASE, dedupe_window=_WINDOW, max_unacked=_MOST_UNACKED, ordered=True),
}


# Leases, windows and delays are tens of seconds; each step of the clock has a hundredth more, so that nothing is ever
# due at the very moment it is looked at.
_steps = st.integers(0, 8).map(lambda tens: tens * 10 + 0.01)
_delays = st.sampled_from([0.0, 0.0, 0.0, 10.0, 40.0])
_entries = st.builds(
    lambda queue, number, key, delay: Entry(
        queue=queue,
        message_id=f"m{number}",
        body=b"%d %s" % (number, key.encode()),
        key=key or None,
        delay=delay,
    ),
    st.sampled_from(sorted(_LINES)),
    st.integers(0, 11),
    st.sampled_from(["", "a", "b"]),
    _delays,
)


def queue_machine(make_subject: Callable[[], MachineSubject]) -> type[RuleBasedStateMachine]:
    """A state machine that compares a queue with a model.

    Args:
        make_subject: makes an empty storage, for each course of events another one.
    """

    class QueueMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.subject = make_subject()
            self.now = 0.0
            self.live: dict[int, ModelDelivery] = {}
            self.seen: dict[tuple[str, str], float] = {}
            self.dead: dict[str, Entry] = {}
            self.claims: list[tuple[Claim, int]] = []
            self.numbers = 0
            self._open()

        def _open(self) -> None:
            self.portal = Portal(self.subject.open_queue)
            self.queue = self.portal.queue
            for name, options in _LINES.items():
                self.portal.run(self.queue.declare, name, options)

        # -- the model --------------------------------------------------------------------------------

        def _add(self, entry: Entry) -> None:
            self.numbers += 1
            self.live[self.numbers] = ModelDelivery(self.numbers, entry, self.now)
            self.seen[entry.queue, entry.message_id] = self.now + _WINDOW

        def _of(self, name: str) -> list[ModelDelivery]:
            return [each for each in self.live.values() if each.entry.queue == name]

        def _behind(self, one: ModelDelivery) -> bool:
            """Whether an earlier one of its key is not done with."""
            return (
                _LINES[one.entry.queue].ordered
                and one.entry.key is not None
                and any(
                    each.entry.key == one.entry.key and each.number < one.number
                    for each in self._of(one.entry.queue)
                )
            )

        def _standing(self, claim: Claim, number: int) -> ModelDelivery | None:
            """What a claim still stands for."""
            one = self.live.get(number)
            return one if one and one.leased and one.attempt == claim.attempt else None

        def _pick(self, data: st.DataObject) -> tuple[Claim, ModelDelivery | None]:
            claim, number = data.draw(st.sampled_from(self.claims), "claim")
            return claim, self._standing(claim, number)

        # -- what may happen --------------------------------------------------------------------------

        @rule(entries=st.lists(_entries, min_size=1, max_size=6))
        def publish(self, entries: list[Entry]) -> None:
            waiting = {(each.entry.queue, each.entry.message_id) for each in self.live.values()}
            # An id that still waits after its window may be stored again or not.
            entries = [
                each
                for each in entries
                if (id_ := (each.queue, each.message_id)) not in waiting or self.seen[id_] > self.now
            ]
            self.portal.run(self.queue.publish, entries)
            for entry in entries:
                if self.seen.get((entry.queue, entry.message_id), -1.0) <= self.now:
                    self._add(entry)

        @rule(name=st.sampled_from(sorted(_LINES)), count=st.integers(1, 5))
        def claim(self, name: str, count: int) -> None:
            due = [each for each in self._of(name) if each.due <= self.now and not self._behind(each)]
            unacked = sum(each.attempt > 0 for each in self._of(name))
            tried = sum(each.attempt > 0 for each in due)
            room = max(0, _MOST_UNACKED - unacked)
            claims = self.portal.run(self.queue.claim, name, count)
            assert len(claims) == min(count, tried + min(room, len(due) - tried)), (claims, due)
            taken = set()
            for claim in claims:
                one = next(each for each in due if each.entry.message_id == claim.message_id)
                taken.add(one.number)
                one.attempt += 1
                one.leased = True
                one.due = self.now + _LEASE
                one.first = self.now if one.first is None else one.first
                assert (claim.queue, claim.body, claim.key) == (name, one.entry.body, one.entry.key)
                assert claim.attempt == one.attempt
                assert abs((claim.first_at - claim.published_at) - (one.first - one.published)) < 0.001
                self.claims.append((claim, one.number))
            assert len(taken) == len(claims), "one call claimed a delivery twice"

        @precondition(lambda self: self.claims)
        @rule(data=st.data())
        def ack(self, data: st.DataObject) -> None:
            claim, one = self._pick(data)
            self.portal.run(self.queue.ack, [claim])
            if one:
                del self.live[one.number]

        @precondition(lambda self: self.claims)
        @rule(data=st.data(), delay=_delays)
        def retry(self, data: st.DataObject, delay: float) -> None:
            claim, one = self._pick(data)
            self.portal.run(self.queue.retry, [(claim, delay)])
            if one:
                one.leased, one.due = False, self.now + delay

        @precondition(lambda self: self.claims)
        @rule(data=st.data())
        def extend(self, data: st.DataObject) -> None:
            claim, one = self._pick(data)
            self.portal.run(self.queue.extend, [claim])
            if one:
                one.due = self.now + _LEASE

        @precondition(lambda self: self.claims)
        @rule(data=st.data())
        def bury(self, data: st.DataObject) -> None:
            claim, one = self._pick(data)
            self.portal.run(self.queue.dead_letter, [(claim, "gone")])
            letters = {each.id: each for each in self.portal.run(self.queue.dead)}
            new = set(letters) - set(self.dead)
            assert len(new) == (one is not None)
            if one:
                (letter,) = (letters[each] for each in new)
                assert (letter.message_id, letter.attempts) == (claim.message_id, one.attempt)
                del self.live[one.number]
                self.dead[letter.id] = one.entry

        @precondition(lambda self: self.dead)
        @rule(data=st.data(), revive=st.booleans())
        def take_out_a_dead_letter(self, data: st.DataObject, revive: bool) -> None:
            chosen = data.draw(st.sampled_from(sorted(self.dead)), "letter")
            entry = self.dead[chosen]
            alive = any(
                (each.entry.queue, each.entry.message_id) == (entry.queue, entry.message_id)
                for each in self.live.values()
            )
            if revive and alive:
                return  # the model tells deliveries by their ids
            assert self.portal.run(self.queue.revive if revive else self.queue.discard, [chosen]) == 1
            del self.dead[chosen]
            if revive:
                self._add(
                    Entry(queue=entry.queue, message_id=entry.message_id, body=entry.body, key=entry.key)
                )

        @rule(seconds=_steps)
        def advance(self, seconds: float) -> None:
            self.subject.advance(seconds)
            self.now += seconds

        @precondition(lambda self: self.subject.reopens)
        @rule()
        def reopen(self) -> None:
            self.portal.close()
            self._open()
            for one in self.live.values():
                if one.leased:
                    one.leased, one.due = False, min(one.due, self.now)

        @rule(name=st.sampled_from(sorted(_LINES)))
        def count(self, name: str) -> None:
            stats = self.portal.run(self.queue.stats, name)
            assert stats.waiting + stats.in_flight + stats.delayed == len(self._of(name))
            assert stats.dead == sum(entry.queue == name for entry in self.dead.values())
            oldest = max((self.now - each.published for each in self._of(name)), default=None)
            assert (stats.oldest is None) == (oldest is None)
            if stats.oldest is not None and oldest is not None:
                assert abs(stats.oldest - oldest) < 0.001

        def teardown(self) -> None:
            try:
                self._drain()
            finally:
                self.portal.close()
                self.subject.close()

        def _drain(self) -> None:
            """All that is left can be had, and nothing else."""
            left: list[Any] = []
            for name in _LINES:
                self.subject.advance(1000.0)
                while claims := self.portal.run(self.queue.claim, name, 3):
                    left += [(name, claim.message_id) for claim in claims]
                    self.portal.run(self.queue.ack, claims)
            kept = [(each.entry.queue, each.entry.message_id) for each in self.live.values()]
            assert sorted(left) == sorted(kept)

    return QueueMachine
