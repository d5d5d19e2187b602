"""Lets the daemon have aiohttp's server without its client.

`import aiohttp` loads the client, its connection pool, cookies and tracing too: 3 MB in a
daemon that idles all day and asks nobody anything. So the package is entered without running
its `__init__`, whose submodules load as ever; whoever asks for a name of the package itself
gets all of it, at that moment.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata
from importlib.machinery import ModuleSpec
from types import ModuleType

_NAME = "aiohttp"


def enter() -> None:
    """Put the package in place; to be called before anything imports it."""
    if _NAME in sys.modules:
        return
    spec = importlib.util.find_spec(_NAME)
    if spec is None or spec.loader is None:
        return  # whoever imports it says so
    package = importlib.util.module_from_spec(spec)
    vars(package)["__version__"] = metadata.version(_NAME)  # its submodules ask for it
    vars(package)["__getattr__"] = lambda name: _ask(package, spec, name)
    sys.modules[_NAME] = package


def _ask(package: ModuleType, spec: ModuleSpec, name: str) -> object:
    """A name that is not there yet: Python's import system asks for submodules this way, too,
    before it looks for their files."""
    private = name.startswith("__") and name != "__all__"
    if private or importlib.util.find_spec(f"{_NAME}.{name}") is not None:
        raise AttributeError(name)
    vars(package).pop("__getattr__", None)
    assert spec.loader is not None
    spec.loader.exec_module(package)
    return getattr(package, name)
