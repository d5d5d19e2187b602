"""Data that ships with galosh: the model catalogue now; presets and prompts beside it.

Holds files and the way to open them, no logic.
"""

from __future__ import annotations

from importlib.resources import files


def read_text(name: str) -> str:
    """The text of a shipped data file, for instance `models.toml`."""
    return (files(__name__) / name).read_text(encoding="utf-8")
