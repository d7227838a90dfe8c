"""``isthmus libraries``: what is there, and bringing it."""

from __future__ import annotations

import pytest

from isthmus_quickjs.libraries import assembly, bundles, command
from isthmus_quickjs.libraries.catalogue import catalogue

from .conftest import Isthmus


def test_it_lists_every_library(isthmus: Isthmus) -> None:
    ran = isthmus("libraries")
    assert all(library.name in ran.out for library in catalogue())


def test_what_is_not_installed_is_said_and_so_is_what_installing_needs(
    isthmus: Isthmus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles.Bundles, "find", classmethod(lambda cls: cls(None)))
    ran = isthmus("libraries")
    assert ran.status == 1
    assert "isthmus libraries install" in ran.out

    def fail() -> None:
        raise assembly.AssemblyError("node and npm are needed")

    monkeypatch.setattr(command, "assemble", fail)
    ran = isthmus("libraries", "install")
    assert (ran.status, ran.err) == (2, "isthmus libraries: node and npm are needed\n")
