"""The driver: thirty lines of WebAssembly that run many calls in one crossing, each in a restored world.

It sees three memories: the *world*, the *image* (another instance of the image module, never written)
and its own, the *exchange*, laid out so::

    0      clock scratch (i64)
    8      started: when the running record began, on the driver's clock (i64, ns)
    16     begun: when the crossing began (i64, ns)
    24     soft: no record is begun later than this after ``begun`` (i64, ns)
    32     current: index of the running record (u32)
    36     out: next free byte of the output area (u32)
    40     end: first byte after the output area (u32)
    44     frame: where in the world a frame lies that found no room (u32)
    48     what of the stack lies below this was not written (u32)
    52     how many ranges above the stack are put back (u32)
    56 ... the ranges: {u32 at, length}
    320 ... one entry a record: {u32 in, in_length, out, out_length, log_length, status; i64 ns}

Before a record it puts the world back: the image over what the last call may have written, as the host
says (see ``_cold``), and zeros over what lies above the image.  What it writes into the world while a
record runs it writes itself: a bulk instruction must not touch a page that cannot be written.
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["ENTRIES", "ENTRY", "HEAD", "KEPT_IN_WORLD", "MOST_RANGES", "STACK_MARGIN", "TABLE", "driver_text"]

HEAD: Final = struct.Struct("<qqqqIIII")
TABLE: Final = 48
MOST_RANGES: Final = 32
"""Of the image, put back one by one."""
ENTRIES: Final = 320
ENTRY: Final = struct.Struct("<IIIIIIq")
KEPT_IN_WORLD: Final = 0xFFFFFFFF
"""An entry's ``out`` where the output area had no room: frame and log are still in the world."""

STACK_MARGIN: Final = 65536
"""Below the deepest stack check there may be leaf frames that check nothing."""


def driver_text(
    *, pages: int, exchange_pages: int, vitals: int, stack: int, stack_low: int, image_end: int, waiting: int
) -> str:
    """The driver for one image.

    Args:
        pages: size of the image's memory.
        exchange_pages: size of the exchange.
        vitals: address of the guest's ``struct vitals``.
        stack: first byte above the stack.
        stack_low: address of the lowest stack address seen.
        image_end: first byte above the image's heap.
        waiting: the frame status that ends a crossing, its world being parked.
    """
    heap_top, log_at, log_length = vitals, vitals + 8, vitals + 12
    return f"""(module
  (import "world" "memory" (memory $world {pages}))
  (import "image" "memory" (memory $image {pages}))
  (import "code" "input" (func $input (param i32) (result i32)))
  (import "code" "invoke" (func $invoke (param i32) (result i64)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (memory $exchange (export "memory") {exchange_pages})
  (func $now (result i64)
    (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 0)))
    (i64.load $exchange (i32.const 0)))
  (func $restore (export "restore")
    (local $low i32) (local $top i32) (local $range i32) (local $end i32)
    (local.set $top (i32.load $world (i32.const {heap_top})))
    (local.set $low (i32.load $world (i32.const {stack_low})))
    (local.set $low (select (i32.sub (local.get $low) (i32.const {STACK_MARGIN})) (i32.const 0)
                            (i32.gt_u (local.get $low) (i32.const {STACK_MARGIN}))))
    (local.set $end (i32.load $exchange (i32.const {TABLE})))
    (local.set $low (select (local.get $low) (local.get $end) (i32.gt_u (local.get $low) (local.get $end))))
    (if (i32.lt_u (local.get $low) (i32.const {stack}))
      (then (memory.copy $world $image (local.get $low) (local.get $low) (i32.sub (i32.const {stack}) (local.get $low)))))
    (local.set $range (i32.const {TABLE + 8}))
    (local.set $end (i32.add (local.get $range) (i32.shl (i32.load $exchange (i32.const {TABLE + 4})) (i32.const 3))))
    (loop $ranges
      (if (i32.lt_u (local.get $range) (local.get $end))
        (then
          (memory.copy $world $image (i32.load $exchange (local.get $range)) (i32.load $exchange (local.get $range))
                       (i32.load $exchange offset=4 (local.get $range)))
          (local.set $range (i32.add (local.get $range) (i32.const 8)))
          (br $ranges))))
    (if (i32.gt_u (local.get $top) (i32.const {image_end}))
      (then (memory.fill $world (i32.const {image_end}) (i32.const 0)
                                (i32.sub (local.get $top) (i32.const {image_end}))))))
  (func $put (param $to i32) (param $from i32) (param $length i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $from) (local.get $length)))
    (loop $vectors
      (if (i32.le_u (i32.add (local.get $from) (i32.const 16)) (local.get $end))
        (then
          (v128.store $world align=1 (local.get $to) (v128.load $exchange align=1 (local.get $from)))
          (local.set $to (i32.add (local.get $to) (i32.const 16)))
          (local.set $from (i32.add (local.get $from) (i32.const 16)))
          (br $vectors))))
    (loop $bytes
      (if (i32.lt_u (local.get $from) (local.get $end))
        (then
          (i32.store8 $world (local.get $to) (i32.load8_u $exchange (local.get $from)))
          (local.set $to (i32.add (local.get $to) (i32.const 1)))
          (local.set $from (i32.add (local.get $from) (i32.const 1)))
          (br $bytes)))))
  (func (export "run_many") (param $next i32) (param $end i32) (param $fresh i32) (result i32)
    (local $entry i32) (local $start i64) (local $frame i64) (local $at i32) (local $length i32) (local $log i32)
    (i64.store $exchange (i32.const 8) (call $now)) ;; both at once: the host may look at any loop's head
    (i64.store $exchange (i32.const 16) (i64.load $exchange (i32.const 8)))
    (loop $each
      (local.set $start (call $now))
      (if (i32.and (i32.ne (local.get $next) (i32.const 0))
                   (i64.gt_s (i64.sub (local.get $start) (i64.load $exchange (i32.const 16)))
                             (i64.load $exchange (i32.const 24))))
        (then (return (local.get $next))))
      (i64.store $exchange (i32.const 8) (local.get $start))
      (i32.store $exchange (i32.const 32) (local.get $next))
      (if (i32.eqz (local.get $fresh)) (then (call $restore)))
      (local.set $fresh (i32.const 0))
      (local.set $entry (i32.add (i32.const {ENTRIES}) (i32.mul (local.get $next) (i32.const {ENTRY.size}))))
      (local.set $length (i32.load $exchange offset=4 (local.get $entry)))
      (call $put (call $input (local.get $length)) (i32.load $exchange (local.get $entry)) (local.get $length))
      (local.set $frame (call $invoke (local.get $length)))
      (local.set $at (i32.wrap_i64 (local.get $frame)))
      (local.set $length (i32.wrap_i64 (i64.shr_u (local.get $frame) (i64.const 32))))
      (local.set $log (i32.load $world (i32.const {log_length})))
      (i32.store $exchange offset=12 (local.get $entry) (local.get $length))
      (i32.store $exchange offset=16 (local.get $entry) (local.get $log))
      (i32.store $exchange offset=20 (local.get $entry) (i32.load $world (local.get $at)))
      (i64.store $exchange offset=24 (local.get $entry) (i64.sub (call $now) (local.get $start)))
      (local.set $next (i32.add (local.get $next) (i32.const 1)))
      (if (i64.gt_u (i64.add (i64.extend_i32_u (i32.load $exchange (i32.const 36)))
                             (i64.add (i64.extend_i32_u (local.get $length)) (i64.extend_i32_u (local.get $log))))
                    (i64.extend_i32_u (i32.load $exchange (i32.const 40))))
        (then
          (i32.store $exchange offset=8 (local.get $entry) (i32.const {KEPT_IN_WORLD}))
          (i32.store $exchange (i32.const 44) (local.get $at))
          (return (local.get $next))))
      (i32.store $exchange offset=8 (local.get $entry) (i32.load $exchange (i32.const 36)))
      (memory.copy $exchange $world (i32.load $exchange (i32.const 36)) (local.get $at) (local.get $length))
      (i32.store $exchange (i32.const 36) (i32.add (i32.load $exchange (i32.const 36)) (local.get $length)))
      (memory.copy $exchange $world (i32.load $exchange (i32.const 36))
                   (i32.load $world (i32.const {log_at})) (local.get $log))
      (i32.store $exchange (i32.const 36) (i32.add (i32.load $exchange (i32.const 36)) (local.get $log)))
      (br_if $each (i32.and (i32.lt_u (local.get $next) (local.get $end))
                            (i32.ne (i32.load $exchange offset=20 (local.get $entry)) (i32.const {waiting})))))
    (local.get $next)))"""
