"""Values that a pipeline's file refers to: variables and files, and what is said where they are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus._cli import references
from isthmus._cli.faults import UsageFault
from isthmus._cli.references import References


def test_a_reference_stands_for_a_variable_or_a_file_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes("schlüssel\r\n".encode())
    found = References(tmp_path, {"KEY": "from the environment"})
    assert found.text("written", "it") == "written"
    assert found.text({"env": "KEY"}, "it") == "from the environment"
    assert found.text({"file": "key"}, "it") == "schlüssel"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"env": "NONE"}, "it takes the variable NONE, and there is none"),
        ({"file": "none"}, "it takes the file none, which cannot be read: No such file or directory"),
        ({"file": "long"}, "it takes the file long, which is longer than 100 bytes"),
        ({"file": "bytes"}, "it takes the file bytes, which is no UTF-8"),
        ({"env": "A", "file": "B"}, 'it is text, {env = "NAME"} or {file = "PATH"}'),
        ({"of": "A"}, 'it is text, {env = "NAME"} or {file = "PATH"}'),
    ],
)
def test_one_that_leads_nowhere_is_said_and_no_value_is_shown(
    written: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "VALUE_BYTES", 100)
    (tmp_path / "long").write_bytes(b"secret" * 17)
    (tmp_path / "bytes").write_bytes(b"secret\xff")
    with pytest.raises(UsageFault) as caught:
        References(tmp_path, {"A": "secret"}).text(written, "it")
    assert str(caught.value) == said


def test_values_are_not_in_their_repr(tmp_path: Path) -> None:
    values = References(tmp_path, {"KEY": "secret"}).settings({"key": {"env": "KEY"}, "n": 1}, None, "it")
    assert values.values == {"key": "secret", "n": 1}
    assert "secret" not in repr(values)
