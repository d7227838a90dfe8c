"""Setting values: where they come from, what they are taken for, and that none is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus import SettingDefinition, SettingType
from isthmus._cli.faults import UsageFault
from isthmus._cli.values import gather, guess_definitions

DEFINITIONS = (
    SettingDefinition(name="apiKey", sensitive=True),
    SettingDefinition(name="zip"),
    SettingDefinition(name="live", type=SettingType.BOOLEAN),
    SettingDefinition(name="lists", type=SettingType.ARRAY),
    SettingDefinition(name="map", type=SettingType.TEXT_MAP),
)


def test_what_is_nearer_wins(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"apiKey": "file", "zip": "file", "live": true}')
    values = gather(
        DEFINITIONS,
        file=str(file),
        environ={"ISTHMUS_SETTING_apiKey": "environment", "ISTHMUS_SETTING_zip": "environment"},
        pairs=["apiKey=pair"],
        below={"apiKey": "below", "zip": "below", "live": False, "lists": ["below"]},
    )
    assert values == {"apiKey": "pair", "zip": "environment", "live": True, "lists": ["below"]}


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("zip=01234", "01234"),
        ("zip=1e3", "1e3"),
        ('zip="quoted"', "quoted"),
        ("zip=a=b", "a=b"),
        ("zip=", ""),
        ("zip=null", "null"),
        ("live=true", True),
        ("live=yes", "yes"),  # the engine says that this is no boolean
        ('lists=["a","b"]', ["a", "b"]),
        ('map={"a":"b"}', {"a": "b"}),
    ],
)
def test_a_pair_is_read_by_the_type_of_its_setting(pair: str, value: object) -> None:
    assert gather(DEFINITIONS, environ={}, pairs=[pair], below={}) == {pair.partition("=")[0]: value}


@pytest.mark.parametrize("variable", ["MINE_apiKey", "MINE_API_KEY", "MINE_apikey"])
def test_a_variable_is_found_in_any_spelling(variable: str) -> None:
    assert gather(DEFINITIONS, environ={variable: "x"}, prefix="MINE_", below={}) == {"apiKey": "x"}


def test_a_variable_for_another_function_is_left_alone() -> None:
    assert gather(DEFINITIONS, environ={"ISTHMUS_SETTING_other": "x"}, below={}) == {}


def test_without_definitions_all_is_taken_and_guessed() -> None:
    values = gather(
        None, environ={"ISTHMUS_SETTING_authToken": "t"}, pairs=["live=true", "n=5", "l=[1]"], below={}
    )
    assert values == {"authToken": "t", "live": True, "n": "5", "l": [1]}
    guessed = {each.name: (each.type, each.sensitive) for each in guess_definitions(values)}
    assert guessed == {
        "authToken": (SettingType.STRING, True),
        "live": (SettingType.BOOLEAN, False),
        "n": (SettingType.STRING, False),
        "l": (SettingType.ARRAY, False),
    }


def test_toml_goes_by_its_suffix(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('apiKey = "a"\nlive = true\n')
    assert gather(DEFINITIONS, file=str(file), environ={}, below={}) == {"apiKey": "a", "live": True}


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".json", '{"apiKey": "hidden-value",}'),
        (".json", '["hidden-value"]'),
        (".json", '"hidden-value"'),
        (".json", "hidden-value"),
        (".toml", '{"apiKey": "hidden-value"}'),
        (".toml", "hidden-value"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_repeated(suffix: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / f"settings{suffix}"
    file.write_text(text)
    with pytest.raises(UsageFault) as raised:
        gather(DEFINITIONS, file=str(file), environ={}, below={})
    assert "hidden-value" not in str(raised.value)


@pytest.mark.parametrize("pair", ["apiKey", "=x", ""])
def test_a_pair_without_a_value_is_a_wrong_call(pair: str) -> None:
    with pytest.raises(UsageFault, match="NAME=VALUE"):
        gather(DEFINITIONS, environ={}, pairs=[pair], below={})
