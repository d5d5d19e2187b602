"""The catalogue of models: what is worth fetching, from where, under which licence.

Reads the shipped `models.toml` and the user's own entries beside it; a user's entry with a
known id replaces the shipped one. Never touches the network.
"""

from __future__ import annotations

from galosh.catalogue.entry import Entry
from galosh.catalogue.load import find, load, starter

__all__ = ["Entry", "find", "load", "starter"]
