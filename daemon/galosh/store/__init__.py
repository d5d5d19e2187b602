"""Models on disk: which there are, which of them are sound, what they are called.

A model is a GGUF file (or a set of split ones) under galosh's own models folder, found by
looking, or a file used where it lies, found in a record. `ModelStore` is the one way from a
name to a path.
"""

from __future__ import annotations

from galosh.store.store import ModelStore
from galosh.store.stored import StoredModel

__all__ = ["ModelStore", "StoredModel"]
