"""Modules of the standard library that a zygote may import ahead for a function that names them.

Importing them starts no thread, opens no file but their own, and does nothing an author could steer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["ALWAYS", "TRUSTED", "trusted_among"]

ALWAYS: Final = ("json",)
"""What every process has.  Few: forking is the dearer the more there is, and modules such as ``threading``
and ``logging`` have work done in every child."""

TRUSTED: Final = frozenset(
    """
    abc argparse array ast asyncio base64 binascii bisect bz2 calendar cmath codecs collections collections.abc
    colorsys concurrent.futures configparser contextlib contextvars copy csv ctypes dataclasses datetime decimal
    difflib email email.message email.mime.multipart email.mime.text email.parser email.policy email.utils enum
    fnmatch fractions functools gc glob graphlib gzip hashlib heapq hmac html html.entities html.parser
    http http.cookies importlib.resources inspect io ipaddress itertools json keyword linecache locale logging lzma
    marshal math mimetypes numbers operator os os.path pathlib pickle platform pprint queue quopri random re
    reprlib sched secrets selectors shlex shutil signal socket sqlite3 ssl stat statistics string stringprep struct
    sys tempfile textwrap threading time timeit token tokenize tomllib traceback types typing unicodedata
    urllib.error urllib.parse urllib.request uuid warnings weakref xml.dom.minidom xml.etree.ElementTree xml.sax
    xml.sax.saxutils zipfile zlib zoneinfo
    """.split()  # noqa: SIM905 -- reads better than a list of a hundred
)


def trusted_among(names: Iterable[str], *, asynchronous: bool) -> list[str]:
    """Those of the names that may be imported ahead.

    Args:
        names: as a function's process gave them, so anything at all.
        asynchronous: the function has handlers that need asyncio.
    """
    found = TRUSTED.intersection(names)
    return sorted(found | {"asyncio"} if asynchronous else found)
