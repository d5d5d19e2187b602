"""Where a conversation may part from what was read: after the system text, before an answer.

Models that cannot go back in what they remember (recurrent ones, sliding windows) are of
use again only where their state was kept. The template itself tells the places: how far the
prompt stays the same when another question is asked, and when the conversation goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from galosh.worker.fault import WorkerFault
from galosh.worker.prefixes import MIN_TOKENS, common_tokens
from galosh.worker.turn import Turn

Messages = Sequence[Turn]


def boundaries(
    prompt: Sequence[int], messages: Messages | None, render: Callable[[Messages], list[int]]
) -> tuple[int, ...]:
    """The counts of tokens, ascending, at which the state of `prompt` is worth keeping."""
    limit = len(prompt) - 1
    if messages is None:
        return (limit,) if limit >= MIN_TOKENS else ()
    places = set()
    for other in (_other_question(messages), _going_on(messages)):
        if other is None:
            continue
        try:
            places.add(common_tokens(prompt, render(other), limit))
        except WorkerFault as fault:
            if fault.facts.get("fatal"):
                raise
    return tuple(sorted(place for place in places if place >= MIN_TOKENS))


def _other_question(messages: Messages) -> Messages | None:
    """The same conversation up to its first question, which is another one."""
    for number, turn in enumerate(messages):
        if turn.role == "user":
            return [*messages[:number], Turn("user", "x" if turn.content[:1] != "x" else "y")]
    return None


def _going_on(messages: Messages) -> Messages | None:
    if messages[-1].role != "user":
        return None
    return [*messages, Turn("assistant", "x"), Turn("user", "x")]
