"""Names of a package that are imported when somebody first asks for them.

A package's names serve many; whoever needs one of them should not wait, and an idle daemon
not pay, for the modules of all the others.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def late(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """The package's `__getattr__`. places: name -> the package's module it is in, which must
    not be called like any of the names."""

    def get(name: str) -> object:
        place = places.get(name)
        if place is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"{package}.{place}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return get
