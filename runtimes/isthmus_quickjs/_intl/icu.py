"""ICU's C library, which the package icu4py carries: found, loaded, and its functions called with their errors raised.

Its functions are reached through a handle that keeps Python's lock, so that no two threads are inside at once; what is
asked of them takes microseconds.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from isthmus_quickjs._asks import Refusal

__all__ = ["Fault", "Handle", "ascii_of", "call", "decoded", "load", "open_handle", "text_of", "utf16"]

CARRIER: Final = "icu4py.messageformat"
"""An extension module that is linked to all of ICU that is needed here: a look-up in it finds what is in those."""
UTF16: Final = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
OVERFLOW: Final = 15
NEWEST, OLDEST = 99, 70
ROOM: Final = 256
MOST_ROOM: Final = 4 * 1024 * 1024

TYPES: Final[dict[str, Any]] = {
    "p": ctypes.c_void_p,
    "s": ctypes.c_char_p,
    "i": ctypes.c_int32,
    "d": ctypes.c_double,
    "b": ctypes.c_int8,
    "v": None,
}

SIGNATURES: Final = {
    name: (result, arguments)
    for name, result, arguments in (
        line.split()
        for line in """
        u_strToLower i pipis!
        u_strToUpper i pipis!
        ubrk_close v p
        ubrk_first i p
        ubrk_getRuleStatus i p
        ubrk_next i p
        ubrk_open p ispi!
        ucal_clone p p!
        ucal_close v p
        ucal_getCanonicalTimeZoneID i pipip!
        ucal_getKeywordValuesForLocale p ssb!
        ucal_getAttribute i pi
        ucal_getDayOfWeekType i pi!
        ucal_getType s p!
        ucal_open p pisi!
        ucal_openTimeZoneIDEnumeration p isp!
        ucal_openTimeZones p !
        ucal_setGregorianChange v pd!
        ucal_setMillis v pd!
        ucfpos_close v p
        ucfpos_getCategory i p!
        ucfpos_getField i p!
        ucfpos_getIndexes v ppp!
        ucfpos_open p !
        ucol_close v p
        ucol_countAvailable i -
        ucol_getAttribute i pi!
        ucol_getAvailable s i
        ucol_getKeywordValuesForLocale p ssb!
        ucol_getKeywordValues p s!
        ucol_open p s!
        ucol_openAvailableLocales p !
        ucol_setAttribute v pii!
        ucol_strcoll i ppipi
        ucurr_getDefaultFractionDigits i p!
        ucurr_openISOCurrencies p i!
        ucurr_getName p psipp!
        udat_close v p
        udat_countAvailable i -
        udat_format i pdpip!
        udat_formatForFields i pdpip!
        udat_getAvailable s i
        udat_getCalendar p p
        udat_open p iispipi!
        udat_setCalendar v pp
        udat_toPattern i pbpi!
        udatpg_close v p
        udatpg_getBestPatternWithOptions i ppiipi!
        udatpg_getFieldDisplayName i piipi!
        udatpg_getSkeleton i ppipi!
        udatpg_open p s!
        udtitvfmt_close v p
        udtitvfmt_closeResult v p
        udtitvfmt_formatCalendarToResult v pppp!
        udtitvfmt_open p spipi!
        udtitvfmt_openResult p !
        udtitvfmt_resultAsValue p p!
        uenum_close v p
        uenum_next s pp!
        ufieldpositer_close v p
        ufieldpositer_next i ppp
        ufieldpositer_open p !
        ufmtval_getString p pp!
        ufmtval_nextPosition b pp!
        uldn_close v p
        uldn_keyValueDisplayName i psspi!
        uldn_localeDisplayName i pspi!
        uldn_openForContext p spi!
        uldn_regionDisplayName i pspi!
        uldn_scriptDisplayName i pspi!
        ulistfmt_close v p
        ulistfmt_closeResult v p
        ulistfmt_formatStringsToResult v pppip!
        ulistfmt_openForType p sii!
        ulistfmt_openResult p !
        ulistfmt_resultAsValue p p!
        uloc_addLikelySubtags i ssi!
        uloc_forLanguageTag i ssip!
        uloc_getAvailable s i
        uloc_isRightToLeft b s
        uloc_minimizeSubtags i ssi!
        uloc_openAvailableByType p i!
        uloc_toLanguageTag i ssib!
        uloc_toLegacyType s ss
        uloc_toUnicodeLocaleType s ss
        unum_open p ipisp!
        unum_setAttribute v pii
        unumf_close v p
        unumf_closeResult v p
        unumf_formatDecimal v psip!
        unumf_openForSkeletonAndLocale p pis!
        unumf_openResult p !
        unumf_resultAsValue p p!
        unumf_resultToString i ppi!
        unumrf_close v p
        unumrf_closeResult v p
        unumrf_formatDecimalRange v psisip!
        unumrf_openForSkeletonWithCollapseAndIdentityFallback p piiisp!
        unumrf_openResult p !
        unumrf_resultAsValue p p!
        unumsys_close v p
        unumsys_getName s p
        unumsys_isAlgorithmic b p
        unumsys_open p s!
        unumsys_openAvailableNames p !
        unumsys_openByName p s!
        uplrules_close v p
        uplrules_getKeywords p p!
        uplrules_openForType p si!
        uplrules_selectFormatted i pppi!
        uplrules_selectForRange i pppi!
        ureldatefmt_close v p
        ureldatefmt_closeResult v p
        ureldatefmt_formatNumericToResult v pdip!
        ureldatefmt_formatToResult v pdip!
        ureldatefmt_open p spii!
        ureldatefmt_openResult p !
        ureldatefmt_resultAsValue p p!
        ures_close v p
        ures_getByIndex p pip!
        ures_getByKey p psp!
        ures_getKey s p
        ures_getSize i p
        ures_getStringByKey p psp!
        ures_openDirect p ss!
        """.splitlines()
        if line.strip()
    )
}
"""What a function gives and takes, in letters of ``TYPES``; ``!`` stands for the address of an error code."""


class Fault(Refusal):
    """What ICU can't do, dates at the end of time in some calendars among it; the function gets a TypeError, as V8 has it.

    Args:
        name: the function.
        code: its UErrorCode.
    """

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"Internal error. Icu error. ({name}: {code})", name="TypeError")
        self.number = code


class Handle:
    """An object of the library's, closed with the last reference to it.

    Args:
        address: where it is.
        close: what closes it.
        keeps: what has to live as long as it does.
    """

    __slots__ = ("_as_parameter_", "_close", "_keeps")

    def __init__(self, address: int, close: Callable[[int], object], keeps: object = None) -> None:
        self._as_parameter_ = address
        self._close = close
        self._keeps = keeps

    def __del__(self) -> None:
        self._close(self._as_parameter_)


@cache
def load() -> tuple[ctypes.PyDLL, str]:
    """The library, and what its functions' names end with: the version of ICU it was built from.

    Raises:
        Refusal: it can't be loaded.
    """
    try:
        found = importlib.util.find_spec(CARRIER)
        if found is None or found.origin is None:
            raise ImportError(f"there is no module {CARRIER}")
        library = ctypes.PyDLL(found.origin)
        for number in range(NEWEST, OLDEST, -1):
            if hasattr(library, f"unumf_openForSkeletonAndLocale_{number}"):
                return library, f"_{number}"
        raise ImportError(f"icu4py {version('icu4py')} has no functions of ICU that can be called by name")
    except (ImportError, OSError) as error:
        raise Refusal(
            f"Intl and the locale methods need ICU from the Python package icu4py, which can't be loaded: {error}"
        ) from error


@cache
def _function(name: str) -> tuple[Callable[..., Any], bool]:
    library, suffix = load()
    result, arguments = SIGNATURES[name]
    function = getattr(library, name + suffix)
    function.restype = TYPES[result]
    function.argtypes = [
        ctypes.c_void_p if letter == "!" else TYPES[letter] for letter in arguments if letter != "-"
    ]
    return function, arguments.endswith("!")


def call(name: str, *arguments: Any) -> Any:
    """Call a function; what it takes last, the address of an error code, is added.

    Raises:
        Fault: it has failed.
        Refusal: there is no library.
    """
    function, fails = _function(name)
    if not fails:
        return function(*arguments)
    code = ctypes.c_int(0)
    result = function(*arguments, ctypes.byref(code))
    if code.value > 0:
        raise Fault(name, code.value)
    return result


def open_handle(name: str, close: str, *arguments: Any, keeps: object = None) -> Handle:
    """What a function opens, as a handle that the function ``close`` closes."""
    return Handle(call(name, *arguments), _function(close)[0], keeps)


def utf16(text: str) -> tuple[bytes, int]:
    """A text as the library takes it, and its length in code units."""
    encoded = text.encode(UTF16, "surrogatepass")
    return encoded, len(encoded) // 2


def decoded(encoded: bytes) -> str:
    """A text of the library's."""
    return encoded.decode(UTF16, "replace")


def text_of(name: str, *arguments: Any, after: tuple[Any, ...] = ()) -> str:
    """The text that a function writes where it is told, told so behind its other arguments.

    Args:
        name: the function.
        arguments: what it takes before the address and the length of the room.
        after: what it takes behind those.
    """
    return decoded(_written(name, arguments, after, 2))


def ascii_of(name: str, *arguments: Any, after: tuple[Any, ...] = ()) -> str:
    """The same of a function that writes ASCII."""
    return _written(name, arguments, after, 1).decode("ascii")


def _written(name: str, arguments: tuple[Any, ...], after: tuple[Any, ...], width: int) -> bytes:
    room = ROOM
    while True:
        buffer = ctypes.create_string_buffer(room * width)
        try:
            length = call(name, *arguments, buffer, room, *after)
        except Fault as fault:
            if fault.number != OVERFLOW or room >= MOST_ROOM:
                raise
            room *= 16
        else:
            return buffer.raw[: length * width]
