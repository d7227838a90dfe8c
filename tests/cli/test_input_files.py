"""What a file that is no good is refused with: a sentence that names it, whatever is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus._cli.definition import find
from isthmus._cli.faults import UsageFault
from isthmus._cli.references import References
from isthmus._cli.values import gather
from isthmus._cli.webhooks import webhook
from isthmus.errors import InvalidInput

DEFINITIONS = {
    "nested too deeply": (b"a = " + b"[" * 3000, "is no definition of a function"),
    "no UTF-8": (b"\xff", "is no definition of a function"),
    "code of too long a name": (b'code = "%s"' % (b"a" * 300), "there is no file"),
    "code of a name with a zero": (rb'code = "a\u0000b"', "there is no file"),
}
WEBHOOKS = {
    "an address that is none": b'{"url":"//[","body":1}',
    "a body that is no UTF-8": b'{"body":"\xff"}',
    "Base64 of other letters": b'{"body_base64":"\xc3\xa9"}',
    "Base64 of too few letters": b'{"body_base64":"a"}',
    "half a pair of surrogates": rb'{"body":"\ud800"}',
}


@pytest.mark.parametrize("what", DEFINITIONS)
def test_a_definition_that_is_none_is_refused_by_its_name(what: str, tmp_path: Path) -> None:
    content, said = DEFINITIONS[what]
    (tmp_path / "function.toml").write_bytes(content)
    with pytest.raises(UsageFault, match=said) as caught:
        find(str(tmp_path))
    assert str(tmp_path / "function.toml") in str(caught.value)


@pytest.mark.parametrize("path", ["a" * 5000, "a\0b"])
def test_a_path_that_none_can_have_is_a_path_where_nothing_is(path: str) -> None:
    with pytest.raises(UsageFault, match="there is no file or directory"):
        find(path)


def test_a_file_that_none_can_be_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="cannot be read"):
        gather(None, file="a\0b", environ={}, below={})
    with pytest.raises(UsageFault, match="cannot be read"):
        References(tmp_path, {}).text({"file": "a\0b"}, "source 'a'")


@pytest.mark.parametrize("what", WEBHOOKS)
def test_a_webhook_that_is_none_is_refused(what: str) -> None:
    with pytest.raises(InvalidInput, match="a webhook"):
        webhook(WEBHOOKS[what])
