"""Downloads that never start over and never lie.

A SOURCE becomes a `Plan` (`sources`), `fetch` turns the plan into a file and a `Receipt`:
chunks into a part file, facts into a journal, every reply through a gate, a trailing hash,
bounded repair, an atomic seal. Killed at any moment it goes on where it was. `downloads`
lists what is unfinished from its files alone; `pause`, `resume`, `cancel` and `remove` act
on them from any process. States and waits: `galosh.download.state`.
"""

from galosh.download.fetch import fetch
from galosh.download.manage import cancel, downloads, pause, remove, resume
from galosh.download.plan import ByteSource, Plan
from galosh.download.receipt import Receipt
from galosh.download.state import Progress

__all__ = [
    "ByteSource",
    "Plan",
    "Progress",
    "Receipt",
    "cancel",
    "downloads",
    "fetch",
    "pause",
    "remove",
    "resume",
]
