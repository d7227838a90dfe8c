"""TypeScript: types go, places stay, and what is more than types is compiled."""

from __future__ import annotations

import re

import pytest
from tests.javascript import Scripts, call_of

from isthmus import LoadError
from isthmus_quickjs._guest import Guest
from isthmus_quickjs._typescript import WASM, TypeStripper

pytestmark = pytest.mark.skipif(not WASM.exists(), reason="built where npm could not be reached")

ERASED = """import type { Nothing } from './nothing';
interface Order { readonly total: number; note?: string }
type Id = `id-${string}`;
declare const elsewhere: unique symbol;
abstract class Shape<T extends object = {}> {
  declare hidden: string;
  private readonly sides!: number;
  constructor(protected_: T, public_?: number) {}
  abstract area(): number;
  static of<U>(this: new () => U): U | undefined { return undefined }
}
class Square extends Shape<Order> implements Iterable<number> {
  area(this: Square): number { return 4 as const }
  *[Symbol.iterator](): Generator<number> { yield this.area() satisfies number; }
}
const pick = <T,>(value: T, index: keyof T & string): T[typeof index] => value[index]!;
function over(x: string): string;
function over(x: number): number;
function over(x: any): any { return x }
export async function onTrack(event: { order: Order }, settings?: Record<string, unknown>): Promise<unknown> {
  const order = event.order as Order, [first]: number[] = [...new Square({} as Order)];
  const maybe = (order.note as string | undefined)?.length ?? (-1 as number);
  return [pick(order, 'total'), first, maybe, over(1), Square.of<Square>()];
}
"""


async def test_types_are_stripped_and_what_is_left_runs(scripts: Scripts) -> None:
    script = await scripts(ERASED, file="tested.ts")
    assert await script.value(call_of({"order": {"total": 7}})) == [7, 4, -1, 1, None]


def test_everything_stays_where_it_was(guest: Guest) -> None:
    code, source_map = TypeStripper(guest).strip(ERASED, "tested.ts")
    assert source_map is None
    before, after = ERASED.splitlines(), code.splitlines()
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert len(new) <= len(old)
        for word in re.finditer(r"[\w']+", new):
            assert old[word.start() : word.end()] == word[0]


COMPILED = """enum Level { Low = 1, High }
namespace Names { export const of = (level: Level) => Level[level] }
class Counter {
  constructor(private readonly start: number, public step = 2) {}
  next(): number { return this.start + this.step }
}

export function onTrack(event: { fail: boolean }): unknown {
  if (event.fail) {

    throw new RangeError('far')
  }
  return [Names.of(Level.High), new Counter(1).next()]
}
"""


async def test_what_is_more_than_types_is_compiled_with_places_kept(scripts: Scripts) -> None:
    script = await scripts(COMPILED, file="tested.ts")
    assert await script.value(call_of({})) == ["High", 3]
    thrown = await script.thrown(call_of({"fail": True}))
    assert re.fullmatch(r"    at onTrack \(tested\.ts:11:\d+\)", thrown.stack)


GOALS = {
    "a script": "async function onTrack(event: any): Promise<string> { return typeof this }",
    "a bare assignment": "onTrack = (event: any) => 'x'; declare let onTrack: any",
    "a module": "export const onTrack = (event: any): string => 'x'",
}


@pytest.mark.parametrize("code", GOALS.values(), ids=GOALS.keys())
async def test_scripts_and_modules_may_be_in_typescript(scripts: Scripts, code: str) -> None:
    assert (await scripts(code, file="tested.ts")).program.handlers == {"onTrack"}


@pytest.mark.parametrize(
    ("code", "message", "line", "column"),
    [
        ("const a = 1;\nlet b: = 2", "Unexpected token", 2, 8),
        ("export async function onTrack(event: any): Promise<void> {\n  return\n", "", 2, None),
        ("let é: number = 'ü'; let b: number = ;", "Expression expected", 1, 38),
        (
            "export const onTrack = (e: any) => e\n\nthrow new TypeError('no' as string)",
            "TypeError: no",
            3,
            None,
        ),
        ("enum A { B }\nexport const onTrack = A.B\n\nnope()", "nope is not defined", 4, 1),
        ("export const x: number = <div/>", "", 1, None),
    ],
)
async def test_code_that_does_not_load_is_shown_in_typescript(
    scripts: Scripts, code: str, message: str, line: int, column: int | None
) -> None:
    with pytest.raises(LoadError) as caught:
        await scripts(code, file="tested.ts")
    assert message in caught.value.message
    assert (caught.value.file, caught.value.line) == ("tested.ts", line)
    if column is not None:
        assert caught.value.column == column
    assert f"> {line:4} | {code.splitlines()[line - 1]}" in caught.value.excerpt


@pytest.mark.parametrize("code", ["(" * 200_000, "let a: " + "A<" * 100_000, "type A = " + "[" * 100_000])
async def test_what_is_too_deep_is_an_error(scripts: Scripts, code: str) -> None:
    with pytest.raises(LoadError):
        await scripts(code, file="tested.ts")


async def test_without_the_stripper_an_error_says_so(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isthmus_quickjs._typescript.WASM", WASM.with_name("missing"))
    with pytest.raises(LoadError, match="which this installation was made without"):
        await scripts("export const onTrack = (e: any) => e", file="tested.ts")
