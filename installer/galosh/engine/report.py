"""How a long job tells what it is doing. The job never prints; whoever runs it decides.

`key` in `step` is a key of the message catalogue; `note` and `line` are ready text.
"""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """What a job may say while it runs."""

    def step(self, key: str, **facts: object) -> None:
        """A new step begins; `key` is a catalogue key such as `engine.step-compile`."""

    def progress(self, fraction: float | None, note: str) -> None:
        """How far the step is (0 to 1, None when unknown) and a few words on it."""

    def line(self, text: str) -> None:
        """One line of a tool's own output, for the log."""


class SilentReport:
    """Says nothing: for callers with nobody to tell."""

    def step(self, key: str, **facts: object) -> None:
        """See Report."""

    def progress(self, fraction: float | None, note: str) -> None:
        """See Report."""

    def line(self, text: str) -> None:
        """See Report."""
