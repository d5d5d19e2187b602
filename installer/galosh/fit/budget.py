"""Whether a model fits beside the user's own programs, and what would have to be closed. Pure.

Decides from memory that is free now, not from memory that is installed; swap of any kind
never counts; room for the desktop is taken off first. A fact that is not known makes the
answer "cannot tell", never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from galosh.hardware import Machine

Kind = Literal["fits", "fits-after-closing", "no", "unknown"]

_MIB = 1024 * 1024
_GIB = 1024 * _MIB
# Forecasts are off by a few per cent, and a process touches a little that nobody lists.
_MARGIN = 1.05
_MARGIN_BYTES = 64 * _MIB
# Of what is available now, this share may be taken at once.
_SHARE_OF_AVAILABLE = 0.9
_RESERVE_SHARE = 0.35
_RESERVE_LEAST_BYTES = int(0.9 * _GIB)
_RESERVE_MOST_BYTES = 8 * _GIB
# Windows promises memory before it is touched; some of the promise stays for others.
_COMMIT_EXTRA_BYTES = 150 * _MIB
_COMMIT_KEPT_BYTES = _GIB


@dataclass(frozen=True)
class Room:
    """This PC's memory as a model meets it; unknown is None.

    commit_free_bytes: what Windows still promises; None elsewhere, where it binds nobody.
    """

    installed_bytes: int | None
    limit_bytes: int | None
    available_bytes: int | None
    commit_free_bytes: int | None = None

    @property
    def total_bytes(self) -> int | None:
        """Installed memory or the container's limit, whichever is less."""
        known = [size for size in (self.installed_bytes, self.limit_bytes) if size]
        return min(known) if self.installed_bytes or self.limit_bytes else None

    @property
    def reserve_bytes(self) -> int | None:
        """What stays with the desktop and its programs."""
        total = self.total_bytes
        if total is None:
            return None
        share = max(_RESERVE_LEAST_BYTES, int(_RESERVE_SHARE * total))
        return min(_RESERVE_MOST_BYTES, share)

    @property
    def most_bytes(self) -> int | None:
        """The most a model may ever take here."""
        total, reserve = self.total_bytes, self.reserve_bytes
        return None if total is None or reserve is None else max(0, total - reserve)

    @property
    def now_bytes(self) -> int | None:
        """The most a model may take at this moment."""
        most, available = self.most_bytes, self.available_bytes
        if most is None or available is None:
            return None
        return min(most, int(_SHARE_OF_AVAILABLE * available))


@dataclass(frozen=True)
class Verdict:
    """The answer. needed_bytes: with margin. close_bytes: what to free for "after closing".

    by_commit: Windows' promise, not the memory itself, is what is short.
    """

    kind: Kind
    needed_bytes: int
    close_bytes: int | None = None
    by_commit: bool = False


def room_of(machine: Machine) -> Room:
    """The memory of a probed PC. A size of 0 is a probe's mistake and counts as unknown."""
    memory, swap = machine.memory, machine.swap
    limit, used = swap.commit_limit_bytes.value, swap.committed_bytes.value
    commits = machine.os.system.value == "windows" and limit is not None and used is not None
    return Room(
        installed_bytes=memory.installed_bytes.value or None,
        limit_bytes=memory.limit_bytes.value or None,
        available_bytes=memory.available_bytes.value,
        commit_free_bytes=max(0, (limit or 0) - (used or 0)) if commits else None,
    )


def judge(lasting_bytes: int, anonymous_bytes: int, room: Room) -> Verdict:
    """Whether a model fits.

    lasting_bytes: what it must keep while it answers. anonymous_bytes: of that, what cannot
    be dropped and read again (what Windows has to promise).
    """
    needed = int(lasting_bytes * _MARGIN) + _MARGIN_BYTES
    most = room.most_bytes
    if most is None:
        return Verdict("unknown", needed)
    if needed > most:
        return Verdict("no", needed)
    if room.available_bytes is None:
        return Verdict("unknown", needed)
    close = max(0, int(needed / _SHARE_OF_AVAILABLE) - room.available_bytes)
    short = _commit_short(anonymous_bytes, room)
    if close or short:
        return Verdict("fits-after-closing", needed, max(close, short), by_commit=short > close)
    return Verdict("fits", needed)


def _commit_short(anonymous_bytes: int, room: Room) -> int:
    if room.commit_free_bytes is None:
        return 0
    wanted = anonymous_bytes + _COMMIT_EXTRA_BYTES + _COMMIT_KEPT_BYTES
    return max(0, wanted - room.commit_free_bytes)
