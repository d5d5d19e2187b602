"""From a request to the tokens of its prompt, refused early where it cannot fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from galosh.worker.boundaries import boundaries
from galosh.worker.context import CancelledError
from galosh.worker.fault import WorkerFault
from galosh.worker.model import Model
from galosh.worker.options import GenerateOptions, utf8
from galosh.worker.render import Segment
from galosh.worker.turn import Turn, texts_of


def prompt_tokens(
    model: Model, options: GenerateOptions, context_tokens: int, cancelled: Callable[[], bool]
) -> list[int]:
    """The prompt's tokens, with exactly one BOS where the model wants it.

    An empty raw prompt is the BOS alone, or refused where the model has none. Raises
    WorkerFault worker-prompt-too-long, -prompt-empty, -text-broken, -template-…; CancelledError.
    """
    # The last place in the context is for the first token of the answer.
    limit = context_tokens - 1
    _refuse_hopeless(model, options, limit, context_tokens, cancelled)
    tokens = _tokens(model, _segments(model, options))
    if not tokens:
        raise WorkerFault("worker-prompt-empty")
    if len(tokens) > limit:
        raise _too_long(len(tokens), context_tokens)
    if cancelled():
        raise CancelledError
    return tokens


def keeping_places(model: Model, options: GenerateOptions, prompt: list[int]) -> tuple[int, ...]:
    """Where the state of a prompt is worth keeping, for a model that cannot go back."""

    def render(messages: Sequence[Turn]) -> list[int]:
        return _tokens(model, model.template.render(messages, options.think, options.tools))

    return boundaries(prompt, options.messages, render)


def _tokens(model: Model, segments: Sequence[Segment]) -> list[int]:
    tokens: list[int] = []
    for segment in segments:
        tokens += model.vocabulary.tokens(utf8(segment.text, "prompt"), segment.special)
    return _with_bos(model, tokens)


def _segments(model: Model, options: GenerateOptions) -> list[Segment]:
    if options.messages is not None:
        return model.template.render(options.messages, options.think, options.tools)
    if options.suffix is not None:
        return _filling(model, options.prompt or "", options.suffix)
    return [Segment(options.prompt or "", options.parse_special)]


def _filling(model: Model, before: str, after: str) -> list[Segment]:
    """A prompt whose answer belongs between two texts, in the model's own marks."""
    marks = model.vocabulary.filling_marks
    if marks is None:
        raise WorkerFault("worker-no-filling")
    first, second, middle = (Segment(mark, True) for mark in marks)
    return [first, Segment(before, False), second, Segment(after, False), middle]


def _refuse_hopeless(
    model: Model,
    options: GenerateOptions,
    limit: int,
    context_tokens: int,
    cancelled: Callable[[], bool],
) -> None:
    if options.messages is not None:
        texts = texts_of(options.messages, options.tools)
    else:
        texts = [options.prompt or "", options.suffix or ""]
    encoded = b"\n".join(utf8(text, "prompt") for text in texts)
    at_least = model.vocabulary.exceeds(encoded, limit, cancelled)
    if cancelled():
        raise CancelledError
    if at_least is not None:
        raise _too_long(at_least, context_tokens)


def _with_bos(model: Model, tokens: list[int]) -> list[int]:
    bos = model.vocabulary.bos
    if bos is None or not model.vocabulary.adds_bos or tokens[:1] == [bos]:
        return tokens
    return [bos, *tokens]


def _too_long(tokens: int, context_tokens: int) -> WorkerFault:
    return WorkerFault(
        "worker-prompt-too-long", prompt_tokens=tokens, context_tokens=context_tokens
    )
