"""What was read and may be asked again: the longest beginning that is still remembered.

Owns the states kept outside the context: in memory up to one budget, as signed files up to
another, the least recently used going first. Never holds a state longer than its budget,
never delays an answer by saving: whoever drives it says when there is time.
"""

from __future__ import annotations

import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from galosh.worker.ahead import Ahead
from galosh.worker.prefix_files import PrefixFiles, SavedPrefix

_TOKEN_BYTES = 4
# Fewer tokens are read again sooner than kept.
MIN_TOKENS = 16

Usable = Callable[[int, int, int], int]


@dataclass(eq=False)
class Prefix:
    """A text that was read: its tokens, its state in memory or its file, or both."""

    tokens: bytes
    oldest: int
    state: bytearray | None
    saved: SavedPrefix | None

    @property
    def count(self) -> int:
        """How many tokens."""
        return len(self.tokens) // _TOKEN_BYTES


class Prefixes:
    """See the module. To be used when it was told whom to `serve`."""

    def __init__(self, memory_bytes: int, files: PrefixFiles | None) -> None:
        self._budget_bytes = memory_bytes
        self._files = files
        self._ahead: Ahead | None = None
        # Least recently used first.
        self._kept = [] if files is None else [_from_file(saved) for saved in files.scan()]

    def serve(self, usable: Usable, cuttable: bool) -> None:
        """`usable(oldest, count, common)` says how much of a state serves; `cuttable`: whether
        any state serves for every beginning of its text."""
        self._usable = usable
        self._cuttable = cuttable

    def read_ahead(self) -> None:
        """Begin to read the state that was used last: somebody is waiting for the model."""
        last = self._kept[-1] if self._kept else None
        if self._files is None or last is None or last.saved is None or last.state is not None:
            return
        if last.saved.state_bytes <= self._budget_bytes:
            self._ahead = Ahead(self._files, last.saved)

    def stop_ahead(self) -> None:
        """Whoever waited knows by now what is needed."""
        self._ahead = None

    @property
    def memory_bytes(self) -> int:
        """What the states in memory take."""
        return sum(len(prefix.state) for prefix in self._kept if prefix.state is not None)

    def takes(self, size_bytes: int) -> bool:
        """Whether a state of this size would be kept."""
        on_disk = 0 if self._files is None else self._files.budget_bytes
        return 0 < size_bytes <= max(self._budget_bytes, on_disk)

    def holds(self, tokens: Sequence[int]) -> bool:
        """Whether all of `tokens` is remembered already."""
        text = pack(tokens)
        return any(
            prefix.tokens.startswith(text) if self._cuttable else prefix.tokens == text
            for prefix in self._kept
        )

    def find(self, tokens: Sequence[int], limit: int) -> tuple[Prefix | None, int]:
        """The prefix that remembers most of the first `limit` tokens, and how many; of
        several that do, the one used last."""
        text = pack(tokens[:limit])
        best, most = None, 0
        for prefix in self._kept:
            count = self._usable(prefix.oldest, prefix.count, common(prefix.tokens, text))
            if count >= max(most, 1):
                best, most = prefix, count
        return best, most

    def state(self, prefix: Prefix) -> bytearray | None:
        """The bytes of a prefix, from memory or its file; it is now the last used one."""
        state = prefix.state
        if state is None and prefix.saved is not None and self._files is not None:
            ahead, self._ahead = self._ahead, None
            of_it = ahead is not None and ahead.saved is prefix.saved
            state = ahead.take() if ahead and of_it else self._files.read(prefix.saved)
        if prefix in self._kept:
            self._kept.remove(prefix)
            if state is not None:
                self._kept.append(prefix)
        return state

    def add(self, tokens: Sequence[int], oldest: int, state: bytearray) -> bool:
        """Keep a state; what it replaces or what was not used for longest goes."""
        text = pack(tokens)
        if self.holds(tokens):
            return True
        if self._cuttable:
            for prefix in [old for old in self._kept if text.startswith(old.tokens)]:
                self._forget(prefix)
        prefix = Prefix(text, oldest, state, None)
        if len(state) > self._budget_bytes:
            if not self._save(prefix, None):
                return False
            prefix.state = None
        self._kept.append(prefix)
        self._shrink()
        return True

    def save(self, deadline: float | None) -> int:
        """Write to files what is only in memory, the last used first, until `deadline`.
        Returns the bytes written."""
        written = 0
        for prefix in reversed(self._kept):
            if prefix.state is not None and prefix.saved is None and self._save(prefix, deadline):
                written += len(prefix.state)
        if written and self._files is not None:
            # The next life goes by the times of the files, and the last used was first here.
            self._files.touch(prefix.saved.name for prefix in self._kept if prefix.saved)
        return written

    def give_back(self, all_of_it: bool) -> None:
        """Let go of the states that are in files too; with `all_of_it`, of the others too."""
        for prefix in list(self._kept):
            if prefix.saved is not None or all_of_it:
                prefix.state = None
            if prefix.saved is None and prefix.state is None:
                self._kept.remove(prefix)

    def _save(self, prefix: Prefix, deadline: float | None) -> bool:
        if self._files is None or prefix.state is None:
            return False
        prefix.saved = self._files.write(prefix.tokens, prefix.oldest, prefix.state, deadline)
        return prefix.saved is not None

    def _shrink(self) -> None:
        for prefix in list(self._kept):
            if self.memory_bytes <= self._budget_bytes:
                return
            if prefix.state is not None:
                if prefix.saved is None and not self._save(prefix, None):
                    self._kept.remove(prefix)
                prefix.state = None

    def _forget(self, prefix: Prefix) -> None:
        self._kept.remove(prefix)
        if prefix.saved is not None and self._files is not None:
            self._files.remove(prefix.saved.name)


def pack(tokens: Sequence[int]) -> bytes:
    """Tokens as bytes, which compare and hash at the speed of memory."""
    return array.array("i", tokens).tobytes()


def common(first: bytes, second: bytes) -> int:
    """How many packed tokens two texts have in common at their start."""
    low, high = 0, min(len(first), len(second)) // _TOKEN_BYTES
    while low < high:
        middle = (low + high + 1) // 2
        if first[: middle * _TOKEN_BYTES] == second[: middle * _TOKEN_BYTES]:
            low = middle
        else:
            high = middle - 1
    return low


def common_tokens(first: Sequence[int], second: Sequence[int], limit: int) -> int:
    """How many tokens two texts have in common at their start, `limit` at most."""
    low, high = 0, min(len(first), len(second), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _from_file(saved: SavedPrefix) -> Prefix:
    return Prefix(saved.tokens, saved.oldest, None, saved)
