"""Whatever a JavaScript function does, its call ends as outcomes may, within its limits, and no call sees what another did."""

from __future__ import annotations

from functools import cache

import isthmus_quickjs
from fuzz.choices import Choices
from fuzz.hostile_javascript import javascript_program
from fuzz.siege import Siege

FINGERPRINT = r"""
function onIdentify(event) {
  const roots = { globalThis, Object, Function, Array, Promise, Error, Map, JSON, Math, Reflect, Date, RegExp, console };
  const told = { event, variables: [typeof a, typeof b, typeof c, typeof d, typeof f] };
  for (const name of Object.keys(roots)) {
    for (const [suffix, object] of [['', roots[name]], ['.prototype', roots[name].prototype]]) {
      if (object === null || object === undefined) continue;
      const own = Reflect.ownKeys(object).map(String).sort();
      let sum = 0;
      for (const key of own) for (let i = 0; i < key.length; i++) sum = (sum * 31 + key.charCodeAt(i)) % 1000003;
      told[name + suffix] = [own.length, sum, Object.isFrozen(object), typeof Object.getPrototypeOf(object)];
    }
  }
  return told;
}
"""
INNOCENT = f"var a = 0, b = [], c = {{}}, d = 'text', f = () => f;\n{FINGERPRINT}"


WARM = 10
"""Calls after which one that comes alone is run in the engine's own thread, in a world of that thread's."""


@cache
def siege() -> Siege:
    return Siege.for_good(isthmus_quickjs, "javascript", INNOCENT)


def check(data: bytes) -> None:
    """A program by the grammar, one choice a byte; or, after a line ``// as it is``, the code itself."""
    if data.startswith(b"// as it is\n"):
        crowded, code = b"// crowded\n" in data, data.decode("utf-8", "replace")
        warm = 0 if crowded else WARM
    else:
        choices = Choices(data)
        crowded, code = choices.happens(3), javascript_program(choices)
        warm = WARM if choices.happens(2) else 0
    instance = siege().load(f"{code}\n{FINGERPRINT}")
    if instance is None:
        return
    try:
        siege().hold(instance, crowded=crowded, warm=warm)
    finally:
        siege().release(instance)
