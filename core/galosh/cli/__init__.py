"""The command `galosh`: one module per verb, each imported only when it is called.

`main` reads the arguments, runs one verb and turns whatever happens into sentences and an
exit status: 0 done, 1 failed with a stated reason, 2 wrong usage, 130 interrupted. Texts
of progress and errors go to stderr; results go to stdout, as one JSON document with
`--json`. Never holds state; starts the daemon as a process and never imports it.
"""

from __future__ import annotations

from galosh.cli.entry import main

__all__ = ["main"]
