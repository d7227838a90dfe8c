"""The guests that are measured: an Extism plug-in that copies its input to its output, eight bytes at a time; a component."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from isthmus import Limits
from isthmus._host import Door, InvocationHost
from isthmus.abc import Call, Egress, Host

__all__ = ["COMPONENT", "EVENT", "GROWING", "GUEST", "call", "host"]

GUEST: Final = """(module
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 17)
  (func (export "on_track") (result i32)
    (local $at i64) (local $length i64) (local $out i64)
    (local.set $length (call $input_length))
    (local.set $out (call $alloc (local.get $length)))
    (loop $each
      (call $store_u64 (i64.add (local.get $out) (local.get $at)) (call $input_load_u64 (local.get $at)))
      (local.set $at (i64.add (local.get $at) (i64.const 8)))
      (br_if $each (i64.lt_u (local.get $at) (local.get $length))))
    (call $output_set (local.get $out) (local.get $length))
    (i32.store (i32.const 1048576) (i32.const 1))
    (i32.const 0)))"""
"""1 KB of memory touched, and a page of its own; what a small C or Zig guest does."""

GROWING: Final = GUEST.replace(
    "(local.set $length", "(drop (memory.grow (i32.const 1))) (local.set $length", 1
)

COMPONENT: Final = (Path(__file__).parent / "component.wat").read_text("utf-8")
"""Returns the event's JSON, which has crossed with the whole record of the call."""

EVENT: Final = msgspec.json.encode({"type": "track", "event": "Order Completed", "pad": "x" * 973})
"""1 KB, a multiple of eight bytes."""


def call() -> Call:
    """The call."""
    return Call("onTrack", EVENT, b"{}", "subject#1", 1_700_000_000.0, bytes(range(32)))


def host() -> Host:
    """Its host, as an engine without a fetcher makes it; these guests ask it for nothing."""
    return InvocationHost(Door(Limits(), fetcher=None, egress=Egress(), redactor=None))
