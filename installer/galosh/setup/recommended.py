"""Which model of the catalogue suits a PC of this memory: the table of the README. Pure.

A model must fit beside the user's own programs: the installed memory gives the class, the
memory free at this moment must hold it too. Swap does not count.
"""

from __future__ import annotations

from collections.abc import Sequence

from galosh.catalogue import Entry

_GIB = 1 << 30
# (installed memory from, file size up to). Machines report a little less than their modules.
_CLASSES = (
    (int(13.5 * _GIB), 6_600_000_000),
    (int(6.5 * _GIB), 2_900_000_000),
    (int(3.2 * _GIB), 1_400_000_000),
    (int(1.6 * _GIB), 600_000_000),
)
# Beside the weights: the context and buffers, and room for the desktop to breathe.
_SHARE = 1.15
_RESERVE_BYTES = 500_000_000


def recommend(
    entries: Sequence[Entry],
    installed_bytes: int | None,
    available_bytes: int | None,
    language: str,
) -> Entry | None:
    """The largest model that fits, one that knows the user's language first; None: none does.

    Entries without a known size are not recommended; the starter never is.
    """
    limit = _limit(installed_bytes, available_bytes)
    fitting = [
        entry
        for entry in entries
        if not entry.starter and entry.size_bytes is not None and entry.size_bytes <= limit
    ]
    speaking = [entry for entry in fitting if language in entry.languages]
    return max(speaking or fitting, key=lambda entry: entry.size_bytes or 0, default=None)


def _limit(installed_bytes: int | None, available_bytes: int | None) -> int:
    """The largest file in bytes; what nobody could measure allows the smallest class only."""
    if installed_bytes is None:
        limit = _CLASSES[-1][1]
    else:
        limit = next((size for least, size in _CLASSES if installed_bytes >= least), 0)
    if available_bytes is not None:
        limit = min(limit, int((available_bytes - _RESERVE_BYTES) / _SHARE))
    return limit
