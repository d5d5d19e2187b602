"""What the agent said of the desktop: its icon and its hotkey, as they really are.

Kept in memory only, and only as long as the agent that said it lives: nothing here may outlast
the truth. Lives in the event loop's thread.
"""

from __future__ import annotations

from galosh.api.process import is_same, start_mark
from galosh.server import fields

Json = fields.Json
_PARTS = ("tray", "hotkey")
_MOST_PID = 2**31 - 1


class DesktopState:
    """The last word of the running agent."""

    def __init__(self) -> None:
        self._facts: dict[str, object] | None = None
        self._mark: str | None = None

    def set(self, facts: dict[str, object]) -> None:
        """Take the agent's word; `facts` as `parse_desktop` made them."""
        self._mark = start_mark(int(str(facts["pid"])))
        self._facts = facts

    def facts(self) -> dict[str, object] | None:
        """What the agent said; None when it has ended, or never spoke."""
        if self._facts is None or is_same(int(str(self._facts["pid"])), self._mark):
            return self._facts
        self._facts = None
        return None


def parse_desktop(data: Json) -> dict[str, object]:
    """`PUT /galosh/v1/desktop` {"pid", "tray": {…} | null, "hotkey": {…} | null}."""
    fields.only(data, frozenset({"pid", *_PARTS}))
    pid = fields.integer(data, "pid", 1, _MOST_PID)
    if pid is None:
        raise fields.wrong("pid", None, f"1…{_MOST_PID}")
    facts: dict[str, object] = {"pid": pid}
    for name in _PARTS:
        value = data.get(name)
        facts[name] = None if value is None else dict(fields.checked_table(name, value))
    return facts
