"""The integrations object against a reference written from Segment's prose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, strategies as st

from isthmus.rules import enabled_by_integrations, options_of, route
from isthmus.testing.strategies import events


@dataclass(frozen=True)
class Head:
    integrations: object = None


@dataclass(frozen=True)
class Instance:
    integration: str
    enabled: bool = True
    number: int = 0


NAMES = ["Mine (ws)", "mine (ws)", "Other", "All", "__proto__"]
answers: st.SearchStrategy[Any] = st.sampled_from([True, False, None, {}, {"list": 1}, 0, "", [], "no"])
integrations_objects: st.SearchStrategy[Any] = st.dictionaries(
    st.sampled_from([*NAMES, "Webhooks"]), answers
) | st.sampled_from([None, [], {}, "All", 0, False])


def reference(integrations: Any, name: str) -> bool:
    """ "All is true unless said otherwise; a name that is there wins; only false blocks." """
    rules = {"All": True}
    if type(integrations) is dict:
        rules |= {key: value for key, value in integrations.items() if value is not None}
    return rules[name] is not False if name in rules else rules["All"] is not False


@given(integrations_objects, st.sampled_from(NAMES))
def test_the_integrations_object_decides_as_the_reference(integrations: Any, name: str) -> None:
    assert enabled_by_integrations(integrations, name) is reference(integrations, name)


@given(
    integrations_objects, st.lists(st.builds(Instance, st.sampled_from(NAMES), st.booleans())), st.booleans()
)
def test_every_instance_is_sorted_once(integrations: Any, drawn: list[Instance], replay: bool) -> None:
    instances = [Instance(one.integration, one.enabled, number) for number, one in enumerate(drawn)]
    routed = route(Head(integrations), instances, replay=replay)
    reached = [one.instance for one in routed.reached]
    on = [one for one in instances if one.enabled or replay]
    assert reached == [one for one in on if reference(integrations, one.integration)]
    assert list(routed.blocked) == [one for one in on if not reference(integrations, one.integration)]
    assert list(routed.disabled) == [one for one in instances if one not in on]


@given(events(), st.sampled_from(NAMES))
def test_any_real_event_can_be_routed(event: dict[str, Any], name: str) -> None:
    routed = route(Head(event.get("integrations")), [Instance(name)])
    assert len(routed.reached) + len(routed.blocked) == 1


@pytest.mark.parametrize(
    ("integrations", "reaches"),
    [
        ({"All": False, "Mine (ws)": True}, True),
        ({"All": False}, False),
        ({"All": False, "Mine (ws)": {}}, True),
        ({"All": False, "mine (ws)": True}, False),
        ({"Mine (ws)": False}, False),
        ({"Mine (ws)": None, "All": False}, False),
        ({"Other": False}, True),
        ([], True),
        (None, True),
    ],
)
def test_examples_from_the_documentation(integrations: object, reaches: bool) -> None:
    assert enabled_by_integrations(integrations, "Mine (ws)") is reaches


def test_options_reach_the_instance() -> None:
    options = {"list": "a"}
    first, second = route(
        Head({"Mine (ws)": options, "Other": True}), [Instance("Mine (ws)"), Instance("Other")]
    ).reached
    assert (first.options, second.options) == (options, None)
    assert options_of({"Mine (ws)": False}, "Mine (ws)") is None
    assert options_of([], "Mine (ws)") is None


def test_all_instances_of_a_destination_share_its_name() -> None:
    instances = [Instance("Mine (ws)", number=1), Instance("Mine (ws)", number=2)]
    assert route(Head({"Mine (ws)": False}), instances).blocked == tuple(instances)


def test_a_name_that_no_instance_has_is_reported() -> None:
    routed = route(
        Head({"All": True, "mine (ws)": False, "Other": True}), [Instance("Mine (ws)"), Instance("Other")]
    )
    assert routed.unknown == ("mine (ws)",)


def test_a_replay_reaches_an_instance_that_is_switched_off() -> None:
    off = Instance("Mine (ws)", enabled=False)
    assert route(Head(), [off]).disabled == (off,)
    assert [one.instance for one in route(Head(), [off], replay=True).reached] == [off]
