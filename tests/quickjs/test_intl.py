"""Intl and the locale methods: what functions write every day, errors, bounds, and what they cost who does without."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given, strategies as st
from tests.javascript import MIB, Scripts
from tests.quickjs.expressions import ours

from isthmus_quickjs import _intl
from isthmus_quickjs._asks import Refusal
from isthmus_quickjs._intl import icu, parts, tags
from isthmus_quickjs._intl.numbers import NumberFormat, NumberOptions

MOMENT = "new Date(1709210096789)"  # 2024-02-29T12:34:56.789Z
EVERYDAY = {
    f"{MOMENT}.toLocaleString()": "2/29/2024, 12:34:56 PM",
    f"{MOMENT}.toLocaleString('en-US', {{ timeZone: 'America/New_York' }})": "2/29/2024, 7:34:56 AM",
    f"new Date({MOMENT}.toLocaleString('en-US', {{ timeZone: 'America/New_York' }})).getHours()": "7",
    f"{MOMENT}.toLocaleDateString('en-CA', {{ timeZone: 'America/Los_Angeles' }})": "2024-02-29",
    f"{MOMENT}.toLocaleString('sv-SE', {{ timeZone: 'Europe/Stockholm' }})": "2024-02-29 13:34:56",
    f"{MOMENT}.toLocaleTimeString([], {{ hour: '2-digit', minute: '2-digit' }})": "12:34 PM",
    f"{MOMENT}.toLocaleDateString('de-DE', {{ dateStyle: 'full' }})": "Donnerstag, 29. Februar 2024",
    f"{MOMENT}.toLocaleString('default', {{ month: 'long' }})": "February",
    f"{MOMENT}.toLocaleString('en-US', {{ timeZone: '+05:30', timeStyle: 'short' }})": "6:04 PM",
    f"{MOMENT}.toString()": "Thu Feb 29 2024 12:34:56 GMT+0000 (Coordinated Universal Time)",
    f"new Date(`${{{MOMENT}}}`).getTime()": "1709210096000",
    f"{MOMENT}.toTimeString()": "12:34:56 GMT+0000 (Coordinated Universal Time)",
    "new Date(NaN).toLocaleString('de') + new Date(NaN)": "Invalid DateInvalid Date",
    "Intl.DateTimeFormat().resolvedOptions().timeZone": "UTC",
    "Intl.DateTimeFormat().resolvedOptions().locale": "en-US",
    "(1234.5).toLocaleString()": "1,234.5",
    "(12).toLocaleString('de-DE', { style: 'currency', currency: 'EUR' })": "12,00\xa0€",
    "(0.256).toLocaleString('en', { style: 'percent' })": "26%",
    "(12345678901234567890n).toLocaleString('en-IN')": "1,23,45,67,89,01,23,45,67,890",
    "new Intl.NumberFormat('en', { notation: 'compact' }).format(1234567)": "1.2M",
    "[3, 1].map(new Intl.NumberFormat('de', { minimumFractionDigits: 1 }).format).join(' ')": "3,0 1,0",
    "new Intl.PluralRules('en', { type: 'ordinal' }).select(22)": "two",
    "new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-1, 'day')": "yesterday",
    "new Intl.ListFormat('en').format(['a', 'b', 'c'])": "a, b, and c",
    "new Intl.DisplayNames('de', { type: 'region' }).of('US')": "Vereinigte Staaten",
    "['z', 'ä', 'a'].sort((a, b) => a.localeCompare(b, 'de')).join('')": "aäz",
    "['10', '9'].sort(new Intl.Collator(undefined, { numeric: true }).compare).join()": "9,10",
    "'İI'.toLocaleLowerCase('tr') + 'i'.toLocaleUpperCase('tr') + 'i'.toLocaleUpperCase()": "i\u0131İI",
    "[1234.5, null, [1e4]].toLocaleString('de')": "1.234,5,,10.000",
    "[...new Intl.Segmenter('en').segment('e\\u0301a')].length": "2",
    "new Intl.Locale('en-Latn-US').minimize().toString()": "en",
    "Object.prototype.toString.call(new (class Mine extends Intl.NumberFormat {})('de'))": "[object Intl.NumberFormat]",
    "typeof Intl.DurationFormat": "undefined",
}
ERRORS = {
    "new Date(0).toLocaleString('en', { timeZone: 'Mars/Olympus' })": "RangeError  Invalid time zone specified: Mars/Olympus",
    "new Intl.DateTimeFormat('en', { timeZone: '../../../etc/passwd' })": "RangeError  Invalid time zone specified: ../../../etc/passwd",
    "new Intl.NumberFormat('en\\0root')": "RangeError  Incorrect locale information provided",
    "(1).toLocaleString('en_US')": "RangeError  Incorrect locale information provided",
    "(1).toLocaleString('en', { style: 'currency' })": "TypeError  Currency code is required with currency style.",
    "(1).toLocaleString('en', { style: 'unit', unit: 'furlong' })": "RangeError  Invalid unit argument for Intl.NumberFormat() 'furlong'",
    "(1).toLocaleString('en', { maximumFractionDigits: 101 })": "RangeError  maximumFractionDigits value is out of range.",
    "new Intl.DateTimeFormat('en', { hour: 'long' })": "RangeError  Value long out of range for Intl.DateTimeFormat options property hour",
    "new Intl.DateTimeFormat('en', { dateStyle: 'short', day: 'numeric' })": "TypeError  Can't set option day when dateStyle is used",
    "new Intl.DateTimeFormat().format(NaN)": "RangeError  Invalid time value",
    "new Intl.NumberFormat(null)": "TypeError  Cannot convert undefined or null to object",
    "Intl.PluralRules()": "TypeError  Constructor Intl.PluralRules requires 'new'",
    "new Intl.RelativeTimeFormat().format(1, 'eon')": "RangeError  Invalid unit argument for Intl.RelativeTimeFormat.prototype.format() 'eon'",
    "new Intl.ListFormat().format([1])": "TypeError  Iterable yielded 1 which is not a string",
    "'a'.localeCompare('b', 'x_y')": "RangeError  Incorrect locale information provided",
    "Intl.supportedValuesOf('moods')": "RangeError  Invalid key : moods",
    "new Intl.NumberFormat('en').format('1' + '0'.repeat(5000))": "RangeError  A number of more than 5000 digits, or beyond 1e400, can't be formatted",
    "new Intl.NumberFormat('en').format('1e9999999')": "RangeError  A number of more than 5000 digits, or beyond 1e400, can't be formatted",
    "new Intl.ListFormat('en').format(Array(5001).fill('a'))": "RangeError  A list of 5001 items, more than 5000, can't be formatted",
    "new Intl.Segmenter().segment('a'.repeat(300000))": "RangeError  Texts of more than 262144 bytes can't be segmented at once",
    "'é'.localeCompare('e'.repeat(2000000), 'de')": "RangeError  Texts of more than 1048576 bytes can't be compared by a locale's order",
}  # fmt: skip
PLAIN = "async function onTrack(event) { return event }"


async def test_what_functions_write_every_day(scripts: Scripts) -> None:
    assert dict(zip(EVERYDAY, await ours(scripts, list(EVERYDAY)), strict=True)) == EVERYDAY


async def test_errors_say_what_is_wrong(scripts: Scripts) -> None:
    said = await ours(scripts, list(ERRORS))
    assert dict(zip(ERRORS, said, strict=True)) == {key: f"threw {text}" for key, text in ERRORS.items()}


async def test_a_date_that_icu_has_no_way_to_write_is_an_error(scripts: Scripts) -> None:
    (said,) = await ours(scripts, ["new Intl.DateTimeFormat('en-u-ca-chinese').formatToParts(8.64e15)"])
    assert said.startswith("threw TypeError  Internal error. Icu error.")


def test_digits_that_only_icu_knows_are_an_integer() -> None:
    made = NumberFormat(NumberOptions(locales=["en"], numbering_system="gukh"))
    assert [part.type for part in made.parts("12345")] == ["integer", "group", "integer"]
    kinds = [part.type for part in made.parts_of_range("-Infinity", "5")]
    assert kinds == ["minusSign", "infinity", "literal", "integer"]


async def test_a_list_within_itself_ends(scripts: Scripts) -> None:
    script = await scripts("async function onTrack() { const a = [1]; a.push(a); return a.toLocaleString() }")
    assert await script.value() == "1,"


async def test_formats_made_while_the_code_loads_are_part_of_the_image(scripts: Scripts) -> None:
    script = await scripts(
        "const euro = new Intl.NumberFormat('de', { style: 'currency', currency: 'EUR' });"
        "async function onTrack(event) { return euro.format(event.price) }"
    )
    for _ in range(2):
        assert await script.value() is not None
    assert len(script.image.memory) > len((await scripts(PLAIN)).image.memory)


async def test_who_names_none_of_it_carries_none_of_it(scripts: Scripts) -> None:
    plain = await scripts(PLAIN)
    hidden = await scripts(
        "async function onTrack(event) { return (1234.5)[event.method ?? 'toLo' + 'caleString']('de') }"
    )
    assert await hidden.value() == "1.234,5"
    assert abs(len(hidden.image.memory) - len(plain.image.memory)) < 4096
    for script in (plain, hidden):
        assert b"maximumSignificantDigits" not in script.image.memory


async def test_what_a_call_changes_is_gone_with_it(scripts: Scripts) -> None:
    script = await scripts("""
        async function onTrack() {
            const found = [typeof Intl.NumberFormat, (1.5).toLocaleString('de'), new Date(0).toLocaleDateString()];
            Intl.NumberFormat = Number.prototype.toLocaleString = Date.prototype.toLocaleDateString = () => 'mine';
            delete globalThis.Intl;
            return [...found, (1.5).toLocaleString('de'), typeof Intl];
        }
    """)
    for _ in range(3):
        assert await script.value() == ["function", "1,5", "1/1/1970", "mine", "undefined"]


async def test_more_formats_than_are_kept(scripts: Scripts) -> None:
    script = await scripts("""
        async function onTrack() {
            const made = [];
            for (let digits = 0; digits <= 20; digits++) {
                for (const locale of ['en', 'de', 'fr', 'ja', 'ar']) {
                    made.push(new Intl.NumberFormat(locale, { minimumFractionDigits: digits }));
                }
            }
            return made.map((format) => format.format(1)).filter((text, index) => text !== made[index].format(1));
        }
    """)
    assert await script.value() == []


@pytest.fixture
def no_icu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where the package with ICU is not installed, or is for another machine."""

    def forget() -> None:
        for cached in (icu.load, icu._function, tags.canonical):
            cached.cache_clear()

    monkeypatch.setattr(icu, "CARRIER", "isthmus_quickjs.no_such_module")
    forget()
    yield
    forget()


@pytest.mark.usefixtures("no_icu")
async def test_without_icu_only_those_who_ask_fail(scripts: Scripts) -> None:
    script = await scripts("""
        const text = (f) => { try { return f() } catch (error) { return error.message } };
        async function onTrack() {
            return [text(() => (12345.5).toLocaleString('de')), text(() => 'b'.localeCompare('a')), 'i'.toUpperCase()];
        }
    """)
    answer = await script.value()
    assert isinstance(answer, list)
    said, order, upper = answer
    assert "icu4py" in said
    assert "can't be loaded" in said
    assert (order, upper) == (1, "I")


def asked(name: str, options: object, /, **head: object) -> str:
    encoded = json.dumps(options).encode()
    written = json.dumps({**head, "sizes": [len(encoded)]}).encode()
    answer = _intl.answer(name, len(written).to_bytes(4, "little") + written + encoded)
    return answer[1:].decode()


@pytest.mark.parametrize(
    ("name", "options", "head"),
    [
        ("number.format", {"locales": ["en"]}, {"number": "1; DROP"}),
        ("number.format", {"locales": ["en"], "style": "evil"}, {"number": "1"}),
        ("number.format", {"locales": ["en"], "minimumFractionDigits": 10**9}, {"number": "1"}),
        ("number.format", {"locales": ["en"], "unit": "meter scale/1e9"}, {"number": "1"}),
        ("number.format", {"locales": ["x" * 1000]}, {"number": "1"}),
        ("number.format", {"locales": ["en"], "unheard": 1}, {"number": "1"}),
        ("date.format", {"locales": ["en"]}, {"date": 1e300}),
        ("date.format", {"locales": ["en"]}, {"date": "today"}),
        ("date.format", {"locales": ["en"], "calendar": "a b"}, {"date": 0}),
        ("nothing", {}, {}),
    ],
)
def test_what_no_prelude_asks_is_refused_before_it_reaches_icu(
    name: str, options: object, head: dict[str, object]
) -> None:
    with pytest.raises((ValueError, KeyError)):
        asked(name, options, **head)


def test_the_answers_do_not_depend_on_the_hosts_language_or_zone() -> None:
    code = (
        "from tests.quickjs.test_intl import asked\n"
        "print([asked('date.format', {'locales': [l], 'dateStyle': 'full', 'timeStyle': 'full'}, date=0)"
        " for l in ('en-US', 'de', 'xx', 'ja')], asked('number.format', {'locales': ['xx']}, number='1234.5'))"
    )

    def said(**environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code],
            env={**os.environ, **environment, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            check=True,
        )
        return done.stdout.decode()

    there = said(LANG="ja_JP.UTF-8", LC_ALL="de_DE.UTF-8", TZ="Asia/Tokyo", ICU_DATA="/nonexistent")
    assert "Thursday, January 1, 1970 at 12:00:00" in there
    assert there == said(LANG="C", LC_ALL="C", TZ="UTC")


def test_threads_do_not_disturb_each_other() -> None:
    expected = {locale: asked("date.format", {"locales": [locale]}, date=0) for locale in ("en", "de", "ja")}
    wrong: list[str] = []

    def work(locale: str, make: Callable[[int], dict[str, object]]) -> None:
        wrong.extend(
            locale for turn in range(300) if asked("date.format", make(turn), date=0) != expected[locale]
        )

    threads = [
        threading.Thread(
            target=work, args=(locale, lambda turn, own=locale: {"locales": [own, *["xx"] * (turn % 80)]})
        )
        for locale in expected
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@given(st.text(max_size=40) | st.from_regex(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8}){0,5}", fullmatch=True))
def test_a_canonical_tag_is_its_own(tag: str) -> None:
    with contextlib.suppress(Refusal):  # nothing else
        canonical = tags.canonical(tag)
        assert tags.canonical(canonical) == canonical


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["en", "de", "ar-EG", "hi", "zh-u-nu-hanidec"]),
    st.sampled_from(["standard", "compact", "scientific"]),
)
def test_the_pieces_of_a_number_are_its_text(number: float, locale: str, notation: str) -> None:
    options = {"locales": [locale], "notation": notation}
    found = msgspec.json.decode(asked("number.parts", options, number=repr(number)), type=list[parts.Part])
    assert "".join(part.value for part in found) == asked("number.format", options, number=repr(number))


@given(st.floats(min_value=1e-80, max_value=1e15))
def test_a_number_with_all_its_digits_reads_back(number: float) -> None:
    made = NumberFormat(NumberOptions(locales=["en-US"], maximum_fraction_digits=100))
    assert float(made.format(repr(number)).replace(",", "")) == number


@given(st.integers(-62_000_000_000_000, 4_000_000_000_000))
def test_a_date_in_pieces_is_its_text(moment: int) -> None:
    options = {"locales": ["en-US"], "timeZone": "America/New_York", "dateStyle": "full", "timeStyle": "long"}
    found = msgspec.json.decode(asked("date.parts", options, date=moment), type=list[parts.Part])
    whole = "".join(part.value for part in found).replace("\u202f", " ")
    assert whole == asked("date.format", options, date=moment)


async def test_a_thousand_formats_of_many_languages_stay_within_a_worlds_memory(scripts: Scripts) -> None:
    script = await scripts(
        """async function onTrack() {
            let length = 0;
            for (let i = 0; i < 1000; i++) length += new Intl.NumberFormat('en', { maximumFractionDigits: i % 20 }).format(i).length;
            return length;
        }""",
        memory=8 * MIB,
        wall=30,
        cpu=30,
    )
    assert await script.value() == 2890
