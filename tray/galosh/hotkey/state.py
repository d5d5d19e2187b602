"""What the desktop granted of what the user wanted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from galosh.base.errors import GaloshError

Way = Literal["x11", "portal", "kde", "desktop", "windows", "macos", "none"]


@dataclass(frozen=True)
class HotkeyState:
    """way: who listens. granted: the combination that works, in the desktop's own words;
    None: none does. problem: why not. alternatives: combinations tried and found free."""

    way: Way
    wanted: str
    granted: str | None = None
    problem: GaloshError | None = None
    alternatives: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "way": self.way,
            "wanted": self.wanted,
            "granted": self.granted,
            "problem": None if self.problem is None else self.problem.to_json(),
            "alternatives": list(self.alternatives),
        }
