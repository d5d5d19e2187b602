"""Imports and reads what the first question after a start would otherwise wait for: 60 ms.

Done once, a little after the daemon has become ready, so that neither the start nor whoever
connects at once has to share the processor with it. Costs an idle daemon under 2 MB.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

AFTER_SECONDS = 1.0
_MODULES = (
    "galosh.engine.launch",
    "galosh.engine.offload_trial",
    "galosh.supervisor.admit",
)


def prepare(list_models: Callable[[], object]) -> None:
    """Blocking: in a thread. list_models: the store's `list`, which reads the catalogue once."""
    from galosh.hardware.probe import probe_threads
    from galosh.supervisor.memory import read_memory

    for name in _MODULES:
        importlib.import_module(name)
    # Both import what this system needs at their first call.
    probe_threads()
    read_memory()
    list_models()
