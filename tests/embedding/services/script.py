"""A plain script: events on standard input, outcomes on standard output."""

from __future__ import annotations

import sys

from tests.embedding.services.functions import CITIES, FUNCTIONS, LIMITS

import isthmus
import isthmus.sync


def main() -> None:
    with isthmus.sync.open_engine(limits=LIMITS, capabilities={"city.of": city_of}) as engine:
        instance = engine.load(FUNCTIONS[sys.argv[1]])
        engine.invoke_each(instance, sys.stdin.buffer, show)


def city_of(user: str) -> str:
    return CITIES[user]


def show(index: int, outcome: isthmus.Outcome | isthmus.InvalidInput) -> None:
    if isinstance(outcome, isthmus.InvalidInput):
        print(index, "no event")
    else:
        print(index, outcome.status, bytes(outcome.value or b"").decode())


if __name__ == "__main__":
    main()
