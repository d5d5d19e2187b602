"""How long until the first word, out of what the daemon says of itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What a token holds, about; Cyrillic ones hold fewer in most vocabularies.
_CHARACTERS_PER_TOKEN = 3.5
_OTHER_CHARACTERS_PER_TOKEN = 2.2
_UP = ("ready", "busy")


@dataclass(frozen=True)
class Outlook:
    """What is known of the model before anything was asked. Unknown is None.

    title: None before any model was needed. awake: it holds its memory and can begin at once.
    """

    title: str | None = None
    awake: bool = False
    paused: bool = False
    load_seconds: float | None = None
    prompt_tokens_per_second: float | None = None

    def first_word_seconds(self, characters_ascii: int, characters_other: int) -> float | None:
        """About how long a question of this size takes to its first word."""
        if not self.prompt_tokens_per_second:
            return None
        tokens = (
            characters_ascii / _CHARACTERS_PER_TOKEN
            + characters_other / _OTHER_CHARACTERS_PER_TOKEN
        )
        reading = tokens / self.prompt_tokens_per_second
        return reading + (0.0 if self.awake else self.load_seconds or 0.0)


def read_outlook(status: Mapping[str, object], reading_rate: float | None = None) -> Outlook:
    """The outlook in the daemon's status. reading_rate: what to go by before any was seen."""
    worker = status.get("worker")
    worker = worker if isinstance(worker, Mapping) else {}
    title = worker.get("title") or worker.get("model") or worker.get("wanted")
    return Outlook(
        title=title if isinstance(title, str) else None,
        awake=worker.get("state") in _UP and worker.get("stage") in (None, "awake"),
        paused=worker.get("paused") is True,
        load_seconds=_number(worker.get("load_seconds")),
        prompt_tokens_per_second=_number(worker.get("prompt_tokens_per_second")) or reading_rate,
    )


def sizes(text: str) -> tuple[int, int]:
    """ASCII characters and others."""
    others = sum(not letter.isascii() for letter in text)
    return len(text) - others, others


def _number(value: object) -> float | None:
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if right and isinstance(value, (int, float)) and value > 0 else None
