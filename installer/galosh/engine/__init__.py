"""Engines: environments that hold llama-cpp-python, proven on this processor.

`build` reuses or makes one: it plans candidates (plan), gets a wheel from the cache, a
wheel index or the compiler (wheels, install, compile), installs it in a staging folder,
tries it in a child process (trial) and switches an atomic pointer (shelf). A candidate that
crashes is remembered (history) and the next one is taken; the engine in use so far keeps
working. `worker_command` starts the worker inside an engine (launch).
"""

from typing import TYPE_CHECKING

from galosh.base.late import late

if TYPE_CHECKING:
    from galosh.engine.builder import build, preview
    from galosh.engine.launch import worker_command
    from galosh.engine.records import Engine
    from galosh.engine.shelf import confirm, current, engines, previous, use
    from galosh.engine.trial import try_engine
else:
    _SHELF = ("confirm", "current", "engines", "previous", "use")
    __getattr__ = late(
        __name__,
        {"build": "builder", "preview": "builder", "worker_command": "launch"}
        | {"Engine": "records", "try_engine": "trial"}
        | dict.fromkeys(_SHELF, "shelf"),
    )

__all__ = [
    "Engine",
    "build",
    "confirm",
    "current",
    "engines",
    "preview",
    "previous",
    "try_engine",
    "use",
    "worker_command",
]
