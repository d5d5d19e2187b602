"""What to do when the finished file's hash is wrong: four steps, each at most once. Pure.

1 re-read every chunk and refetch those whose CRC differs (damage on this disk);
2 refetch the suspects (chunks joined from several replies, or from an odd session);
3 compare with an independent source, replacing only chunks that differ;
4 set the file aside with a report. Nothing that was verified is ever deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from galosh.download.journal import Done, Flag, Record


class Step(Enum):
    """One repair step."""

    REREAD = "re-read"
    REFETCH_SUSPECTS = "refetch-suspects"
    COMPARE = "compare"
    QUARANTINE = "quarantine"


_ORDER = (Step.REREAD, Step.REFETCH_SUSPECTS, Step.COMPARE, Step.QUARANTINE)


def next_step(tried: frozenset[Step], suspects: int, can_compare: bool) -> Step:
    """The first step not tried yet that has something to do."""
    for step in _ORDER:
        if step in tried:
            continue
        if step is Step.REFETCH_SUSPECTS and not suspects:
            continue
        if step is Step.COMPARE and not can_compare:
            continue
        return step
    return Step.QUARANTINE


def suspects(chunks: Mapping[int, Done], sessions: list[Record]) -> list[int]:
    """Chunks more likely wrong than others: joined ones, and those of a session whose
    host or validator differs from that of most chunks."""
    votes: dict[tuple[int, int], int] = {}
    for entry in chunks.values():
        mark = _mark(entry, sessions)
        votes[mark] = votes.get(mark, 0) + 1
    usual = max(votes, key=lambda mark: votes[mark]) if votes else (0, 0)
    return sorted(
        index
        for index, entry in chunks.items()
        if entry.flag & Flag.JOINED or _mark(entry, sessions) != usual
    )


def _mark(entry: Done, sessions: list[Record]) -> tuple[int, int]:
    if 0 <= entry.session < len(sessions):
        record = sessions[entry.session]
        return record.extra, record.crc
    return (0, 0)
