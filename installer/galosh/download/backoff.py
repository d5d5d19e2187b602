"""How long to wait before the next try. Pure: the chance and the time are passed in.

- Full jitter: between zero and a ceiling that doubles, so that many clients spread out.
- A try that brought progress resets the ceiling: a line that is cut often still moves.
- What a server asks for (429, 503) is never undercut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from galosh.download.limits import Limits

_LONGEST_WISH_SECONDS = 6 * 3600.0
_RESET = re.compile(r"(?:^|[;,\s])t=(\d{1,6})", re.ASCII)
_REMAINING = re.compile(r"(?:^|[;,\s])r=(\d{1,9})", re.ASCII)


class Backoff:
    """The tries of one link. Not thread-safe: its owner alone turns it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._fruitless = 0

    @property
    def fruitless(self) -> int:
        """Failures in a row without enough bytes between them."""
        return self._fruitless

    def fail(self, moved_bytes: int, chance: float) -> float:
        """One more failure after `moved_bytes`; returns seconds to wait.

        chance: a random number in [0, 1). A try that moved enough is followed at once.
        """
        if moved_bytes >= self._limits.backoff_reset_bytes:
            self._fruitless = 0
            return 0.0
        ceiling = min(
            self._limits.backoff_max_seconds,
            self._limits.backoff_first_seconds * 2.0 ** min(self._fruitless, 30),
        )
        self._fruitless += 1
        return ceiling * chance

    def reset(self) -> None:
        """Progress was made."""
        self._fruitless = 0


def wish_seconds(headers: Mapping[str, str], status: int, wall_seconds: float) -> float | None:
    """How long the server asks us to stay away, None if it does not say.

    Reads Retry-After (seconds or a date); on a 429 also `RateLimit: ...;r=0;t=SECONDS`,
    which is believed only when nothing remains.
    """
    text = headers.get("retry-after", "").strip()
    wish: float | None = None
    if text.isascii() and text.isdigit():
        wish = float(text[:9])
    elif text:
        wish = _until(text, wall_seconds)
    if wish is None and status == 429:
        limit = headers.get("ratelimit", "")
        remaining, reset = _REMAINING.search(limit), _RESET.search(limit)
        if reset and remaining and int(remaining.group(1)) == 0:
            wish = float(reset.group(1))
        elif headers.get("ratelimit-reset", "").strip().isdigit():
            wish = float(headers["ratelimit-reset"].strip()[:6])
    return None if wish is None else min(max(wish, 0.0), _LONGEST_WISH_SECONDS)


def _until(text: str, wall_seconds: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - wall_seconds
    except (ValueError, TypeError, OverflowError):
        return None
