"""What can go wrong between a caller and the store.

::

    IsthmusError
    ├── StoreError           the storage is away, damaged, of a newer version, or its keys are wrong
    └── Refused              what was asked can't be done with what is kept
        ├── NotFound             nothing has that id
        ├── Dangling             it names something that does not exist
        ├── Conflict             it is in the way of something that is kept
        └── Unfit                values do not fit: one problem for each field at fault
"""

from __future__ import annotations

from typing import final

import msgspec

from isthmus.errors import IsthmusError

__all__ = ["Conflict", "Dangling", "FieldProblem", "NotFound", "Refused", "StoreError", "Unfit"]


@final
class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field.

    Attributes:
        field: its path, ``settings.apiKey`` or ``settings[0].name``.
        message: a sentence that shows no value.
    """

    field: str
    message: str


class StoreError(IsthmusError):
    """The operator's fault: the storage is away, damaged, newer than this program, or sealed under another key."""


class Refused(IsthmusError):
    """What was asked can't be done with what is kept; nothing was changed."""


@final
class NotFound(Refused):
    """Nothing has that id.

    Attributes:
        what: the kind of thing, ``Function`` for one.
    """

    def __init__(self, what: str, id: str) -> None:  # noqa: A002 -- what it is called everywhere
        super().__init__(f"{what} {id[:120]} not found.")
        self.what = what


@final
class Dangling(Refused):
    """What is to be kept names something that does not exist, or is not of the right kind."""

    def __init__(self, what: str, id: str) -> None:  # noqa: A002 -- what it is called everywhere
        super().__init__(f"{what} {id[:120]} not found.")


@final
class Conflict(Refused):
    """Something that is kept is in the way."""


@final
class Unfit(Refused):
    """Values do not fit.

    Attributes:
        problems: one for each field at fault, none with a value in it.
    """

    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in problems))
        self.problems = problems
