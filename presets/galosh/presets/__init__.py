"""Data that ships with galosh and what a user adds to it: samplers, prompts, templates.

`Shelf` opens both; the readers beside it are pure and take files of other programs as they
stand. The model catalogue (`models.toml`) lies here too; galosh.catalogue reads it.
"""

from __future__ import annotations

from galosh.presets.prompt import Prompt
from galosh.presets.sampler import SamplerPreset
from galosh.presets.template import (
    InstructionTemplate,
    TemplateChoice,
    choose_template,
    find_template,
)

__all__ = [
    "InstructionTemplate",
    "Prompt",
    "SamplerPreset",
    "TemplateChoice",
    "choose_template",
    "find_template",
    "read_text",
]


def read_text(name: str) -> str:
    """The text of a shipped data file, for instance `models.toml`."""
    from importlib.resources import files  # loads a megabyte that the tray side never needs

    return (files(__name__) / name).read_text(encoding="utf-8")
