"""Two texts line by line."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings, strategies as st

from isthmus_server.console.differences import pairs, unified

TEXTS = st.lists(st.sampled_from(["a", "b", "  c", ""]), max_size=12).map("\n".join)
ON_ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ON_ANY_MACHINE
@given(TEXTS, TEXTS)
def test_what_came_and_went_makes_the_one_text_of_the_other(old: str, new: str) -> None:
    before, after = old.splitlines(), new.splitlines()
    lines = unified(old, new)
    for line in lines:
        if line.kind in {"same", "gone"}:
            assert before[(line.old or 0) - 1] == line.text
        if line.kind in {"same", "new"}:
            assert after[(line.new or 0) - 1] == line.text
    gone = {line.old for line in lines if line.kind == "gone"}
    came = {line.new for line in lines if line.kind == "new"}
    stay = [text for number, text in enumerate(before, 1) if number not in gone]
    assert stay == [text for number, text in enumerate(after, 1) if number not in came]


@ON_ANY_MACHINE
@given(TEXTS, TEXTS)
def test_beside_each_other_are_the_same_lines(old: str, new: str) -> None:
    beside = pairs(old, new)
    kinds = [
        each.kind
        for pair in beside
        for each in ((pair.old,) if pair.old is pair.new else (pair.old, pair.new))
        if each
    ]
    assert sorted(kinds) == sorted(line.kind for line in unified(old, new))


def test_lines_far_from_what_differs_are_left_out() -> None:
    old = "\n".join(map(str, range(50)))
    new = old.replace("25", "x")
    lines = unified(old, new)
    assert [line.kind for line in lines] == ["left", *["same"] * 3, "gone", "new", *["same"] * 3, "left"]
    assert unified(old, old) == []
