"""The catalogue of models: what is worth fetching, from where, under which licence.

Reads the shipped `models.toml`, the sizes and hashes that were read at the sources since, and
the user's own entries beside it; a user's entry with a known id replaces the shipped one.
Never touches the network.
"""

from __future__ import annotations

from galosh.catalogue.entry import Entry
from galosh.catalogue.load import find, load, load_readings, save_readings, starter
from galosh.catalogue.reading import Reading

__all__ = ["Entry", "Reading", "find", "load", "load_readings", "save_readings", "starter"]
