"""What a rewriting changed, word by word. Pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
# Comparing costs time by the square; a longer text is shown without marks.
_MOST_WORDS = 4000
# Below, it is another text (a translation, a summary) and marks would only be in the way.
_ALIKE = 0.4

SAME, ADDED, REMOVED = "same", "added", "removed"


@dataclass(frozen=True)
class Change:
    """A run of text that is the same in both, or only in the new or the old one."""

    kind: str
    text: str


def changes(old: str, new: str) -> list[Change] | None:
    """The way from old to new; None where marks would not help: too long, or too different."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(before), len(after)) > _MOST_WORDS:
        return None
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    if not _alike(before, after, matcher):
        return None
    found: list[Change] = []
    for tag, low, high, first, last in matcher.get_opcodes():
        if tag == "equal":
            _add(found, SAME, "".join(before[low:high]))
            continue
        _add(found, REMOVED, "".join(before[low:high]))
        _add(found, ADDED, "".join(after[first:last]))
    return _joined(found)


def _alike(before: list[str], after: list[str], matcher: difflib.SequenceMatcher[str]) -> bool:
    """Whether enough of the words themselves (spaces match anything) is in both."""
    whole = sum(not word.isspace() for word in before + after)
    matched = sum(
        not word.isspace()
        for block in matcher.get_matching_blocks()
        for word in before[block.a : block.a + block.size]
    )
    return whole > 0 and 2 * matched / whole >= _ALIKE


def _joined(found: list[Change]) -> list[Change]:
    """Changes with only a space between them read as one: `-a b- +c d+`, not word for word."""
    result: list[Change] = []
    removed, added, space = "", "", ""
    for change in [*found, Change(SAME, "")]:
        if change.kind == SAME and change.text.isspace() and (removed or added):
            space += change.text
        elif change.kind == SAME:
            _add(result, REMOVED, removed)
            _add(result, ADDED, added)
            _add(result, SAME, space + change.text)
            removed, added, space = "", "", ""
        else:
            removed += space + (change.text if change.kind == REMOVED else "")
            added += space + (change.text if change.kind == ADDED else "")
            space = ""
    return result


def _add(found: list[Change], kind: str, text: str) -> None:
    if text:
        if found and found[-1].kind == kind:
            text = found.pop().text + text
        found.append(Change(kind, text))
