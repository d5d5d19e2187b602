"""Which looks at a download are worth an event: at most four a second, only changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

_PAUSE_SECONDS = 0.25
_SAME_TRY_SECONDS = 1.5
_WATCHED = (
    *("state", "kept_bytes", "size_bytes", "speed_bytes_per_second", "connections"),
    *("verified_bytes", "notice", "resumable"),
)


class Pace:
    """Remembers what was told last of one download."""

    def __init__(self) -> None:
        self._told: tuple[object, ...] | None = None
        self._cause: object = None
        self._try_at = 0.0
        self._at = 0.0

    def event_for(self, progress: Mapping[str, object], now_seconds: float) -> str | None:
        """The name of the event to publish now: a wait, a progress, or none."""
        waiting = progress.get("waiting")
        cause: object = None
        if isinstance(waiting, Mapping):
            cause = waiting.get("code")
            left = waiting.get("next_try_seconds")
            try_at = now_seconds + (float(left) if isinstance(left, (int, float)) else 0.0)
            # The countdown itself is no news: whoever shows it can count.
            if cause != self._cause or try_at > self._try_at + _SAME_TRY_SECONDS:
                self._cause, self._try_at = cause, try_at
                self._told, self._at = _seen(progress), now_seconds
                return "download.waiting"
        seen = _seen(progress)
        over = self._cause is not None and cause is None
        if seen == self._told and not over:
            return None
        new_state = self._told is None or seen[0] != self._told[0]
        if not (new_state or over) and now_seconds - self._at < _PAUSE_SECONDS:
            return None
        self._told, self._at, self._cause = seen, now_seconds, cause
        return "download.progress"


def _seen(progress: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(progress.get(name) for name in _WATCHED)
