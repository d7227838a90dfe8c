"""Text in the encodings that are older than Unicode, decoded as the WHATWG Encoding Standard has them."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from functools import lru_cache
from typing import Final

__all__ = ["OPERATIONS"]

LARGEST: Final = 32 * 1024 * 1024
"""Bytes decoded at once: nothing stops a decoder half way."""

MULTIBYTE: Final = {
    "big5": "big5hkscs",
    "euc-jp": "euc_jis_2004",
    "euc-kr": "cp949",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "iso-2022-jp": "iso2022_jp_ext",
    "shift_jis": "cp932",
}
"""Encodings to the codecs of Python that come closest; all but the last two take ASCII as it is."""

SINGLE_BYTE: Final = {
    "iso-8859-8-i": "iso8859_8",
    "macintosh": "mac_roman",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac_cyrillic",
}
"""Encodings whose codec has another name in Python."""

DIFFERENT: Final[dict[str, dict[int, str]]] = {
    "koi8-u": {0xAE: "ў", 0xBE: "Ў"},
    "windows-1255": {0xCA: "\u05ba"},
    "x-mac-cyrillic": {0xA2: "Ґ", 0xB6: "ґ", 0xFF: "€"},
}
"""Where the standard's index has something else than Python."""

REPLACEMENT: Final = "\ufffd"
WRONG: Final = {
    "iso-2022-jp": dict.fromkeys((0x0E, 0x0F, 0x1B), REPLACEMENT),
    "shift_jis": dict.fromkeys((0xF8F0, 0xF8F1, 0xF8F2, 0xF8F3), REPLACEMENT),
}
"""What Python's codec lets through although the standard has it as an error."""
ESCAPES: Final = (b"\x1b(B", b"\x1b(J", b"\x1b(I", b"\x1b$@", b"\x1b$B")
LONGEST_LABEL: Final = 64


def _encoding(_parameters: str, payload: bytes) -> bytes:
    """The name of the encoding that a label stands for, empty where it stands for none."""
    import webencodings  # only functions with such a label need it

    found = webencodings.lookup(payload[:LONGEST_LABEL].decode("ascii", "replace"))
    if found is None or len(payload) > LONGEST_LABEL:
        return b""
    return b"" if found.name == "replacement" else found.name.encode("ascii")


def _decode(parameters: str, payload: bytes) -> bytes:
    """Bytes as UTF-8, behind the bytes that wait for more, behind their count (one byte).

    Args:
        parameters: the encoding; ``:fatal`` where what is wrong is an error, ``:stream`` where more will come.
        payload: what waited, and what is new.

    Raises:
        KeyError: no such encoding.
        ValueError: the bytes are wrong, and that is an error.
    """
    name, *flags = parameters.split(":")
    if len(payload) > LARGEST:
        raise ValueError(f"{len(payload)} bytes are more than the {LARGEST} that are decoded at once")
    errors = "strict" if "fatal" in flags else f"isthmus:{name}"
    if name in MULTIBYTE:
        text, rest = _multibyte(name, payload, errors, stream="stream" in flags)
    else:
        text, rest = payload.decode("latin-1").translate(_table(name)), b""
        if "fatal" in flags and REPLACEMENT in text:
            raise ValueError(f"no {name}")
    return bytes([len(rest)]) + rest + text.encode("utf-8", "replace")


def _multibyte(name: str, payload: bytes, errors: str, *, stream: bool) -> tuple[str, bytes]:
    if errors != "strict":
        codecs.register_error(errors, _replacer(name))
    decoder = codecs.getincrementaldecoder(MULTIBYTE[name])(errors)
    text = decoder.decode(payload, not stream).translate(WRONG.get(name, {}))
    if errors == "strict" and REPLACEMENT in text:
        raise ValueError(f"no {name}")
    rest = decoder.getstate()[0] if stream else b""
    if stream and name == "iso-2022-jp":  # what the next bytes mean depends on the last escape
        done = payload[: len(payload) - len(rest)]
        at = max(done.rfind(escape) for escape in ESCAPES)
        rest = (done[at : at + 3] if at >= 0 else b"") + rest
    return text, rest


@lru_cache(maxsize=len(MULTIBYTE))
def _replacer(name: str) -> Callable[[UnicodeError], tuple[str, int]]:
    """What the standard does about a wrong sequence: a lead byte takes what follows with it, unless that is ASCII."""

    def replace(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)  # noqa: S101 -- decoders raise no other
        data, start = error.object, error.start
        if name in {"gbk", "gb18030"} and data[start] == 0x80:
            return "€", start + 1
        lone = data[start] <= 0x80 or data[start] == 0xFF or start + 1 >= len(data)
        return REPLACEMENT, start + (1 if lone or data[start + 1] < 0x80 else 2)

    return replace


@lru_cache(maxsize=40)
def _table(name: str) -> dict[int, str]:
    """What each byte from 0x80 stands for in a single-byte encoding."""
    if name == "x-user-defined":
        return {byte: chr(0xF700 + byte) for byte in range(0x80, 0x100)}
    if not name.startswith(("ibm", "iso-8859-", "koi8-", "macintosh", "windows-", "x-mac-")):
        raise KeyError(name)
    codec = SINGLE_BYTE.get(name, name.replace("windows-", "cp").replace("ibm", "cp"))
    table = {}
    for byte in range(0x80, 0x100):
        text = bytes([byte]).decode(codec, "replace")
        if text == REPLACEMENT and byte < 0xA0:
            text = chr(byte)  # the standard fills these holes with control characters
        table[byte] = text
    return table | DIFFERENT.get(name, {})


OPERATIONS: Final[dict[str, Callable[[str, bytes], bytes]]] = {"encoding": _encoding, "decode": _decode}
