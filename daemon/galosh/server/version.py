"""Which version of galosh this is."""

from __future__ import annotations

from importlib import metadata


def read_version() -> str:
    """As installed; `source` when it runs from a checkout that was never installed."""
    try:
        return metadata.version("galosh")
    except metadata.PackageNotFoundError:
        return "source"
