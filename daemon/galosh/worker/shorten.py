"""A conversation that is too long for the context, cut where the asker wants it cut.

Owns which turns go: the oldest, never the system text, never the last turn, and what is left
begins with the user's words. Without the asker's wish nothing is ever cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from galosh.worker.fault import WorkerFault
from galosh.worker.model import Model
from galosh.worker.options import GenerateOptions
from galosh.worker.prompt import prompt_tokens

# Kept free for an answer whose length the asker left open.
_ANSWER_TOKENS = 256
_OPENERS = ("<think>", "[THINK]")
_OPENER_TOKENS = 16


@dataclass(frozen=True)
class Prompt:
    """A prompt that fits. dropped_tokens: at least so many. thinking: it opens a thought.
    options: as asked, without the turns that were dropped."""

    tokens: list[int]
    options: GenerateOptions
    thinking: bool = False
    dropped_messages: int = 0
    dropped_tokens: int = 0


def fitting_prompt(
    model: Model, options: GenerateOptions, context_tokens: int, cancelled: Callable[[], bool]
) -> Prompt:
    """The prompt's tokens, cut only where `options.truncate` says so. Raises as
    `prompt_tokens` does."""
    try:
        tokens = prompt_tokens(model, options, context_tokens, cancelled)
        return Prompt(tokens, options, _opens_thought(model, options, tokens))
    except WorkerFault as fault:
        wanted = options.truncate and options.messages is not None
        if fault.code != "worker-prompt-too-long" or not wanted:
            raise
        return _shortened(model, options, context_tokens, cancelled, fault)


def _shortened(
    model: Model,
    options: GenerateOptions,
    context_tokens: int,
    cancelled: Callable[[], bool],
    fault: WorkerFault,
) -> Prompt:
    messages = options.messages or ()
    free = min(options.max_tokens or _ANSWER_TOKENS, context_tokens // 2)
    head = [message for message in messages if message.role == "system"]
    turns = [message for message in messages if message.role != "system"]
    starts = [at for at, turn in enumerate(turns) if at > 0 and turn.role == "user"]
    found: Prompt | None = None
    while starts:  # the more is dropped, the shorter it is
        middle = len(starts) // 2
        at = starts[middle]
        kept = replace(options, messages=(*head, *turns[at:]))
        try:
            tokens = prompt_tokens(model, kept, context_tokens - free, cancelled)
        except WorkerFault as other:
            if other.code != "worker-prompt-too-long":
                raise
            starts = starts[middle + 1 :]
            continue
        before = fault.facts.get("prompt_tokens")
        lost = max(1, (before if isinstance(before, int) else 0) - len(tokens))
        found = Prompt(tokens, kept, _opens_thought(model, kept, tokens), at, lost)
        starts = starts[:middle]
    if found is None:
        raise fault
    return found


def _opens_thought(model: Model, options: GenerateOptions, tokens: list[int]) -> bool:
    if options.messages is None:
        return False
    return model.vocabulary.text(tokens[-_OPENER_TOKENS:]).rstrip().endswith(_OPENERS)
