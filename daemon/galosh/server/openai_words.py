"""OpenAI's chat and completion answers, in its words. Pure; see `replies` for the shapes."""

from __future__ import annotations

from galosh.base.errors import GaloshError
from galosh.server import replies
from galosh.server.replies import Ending, Heading, TextEvents
from galosh.server.words import Words
from galosh.supervisor.request import Done, Started


class OpenAiDialect:
    """See answering.Dialect."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, answer_id: str, created: int, *, chat: bool, usage: bool) -> None:
        self._id = answer_id
        self._created = created
        self._chat = chat
        self._usage = usage
        self._heading = Heading(answer_id, created, "", chat)
        self._texts = TextEvents(self._heading)

    def begin(self, started: Started) -> bytes:
        """See Dialect."""
        self._heading = Heading(self._id, self._created, started.model_id, self._chat)
        self._texts = TextEvents(self._heading)
        return replies.sse(replies.chunk(self._heading, Words(), first=True))

    def piece(self, words: Words) -> bytes:
        """See Dialect."""
        if words.thought or words.entries:
            return replies.sse(replies.chunk(self._heading, words))
        return self._texts.event(words.text)

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        last = replies.sse(replies.chunk(self._heading, None, done.finish_reason))
        if self._usage:
            last += replies.sse(replies.usage_chunk(self._heading, ending_of(done)))
        return last + replies.SSE_DONE

    def failure(self, error: GaloshError) -> bytes:
        """See Dialect."""
        return replies.sse(replies.error_body(error))

    def whole(self, words: Words, done: Done) -> dict[str, object]:
        """See Dialect."""
        return replies.whole(self._heading, words, ending_of(done))


def ending_of(done: Done) -> Ending:
    """The counts of a finished answer."""
    return Ending(
        finish_reason=done.finish_reason,
        prompt_tokens=done.prompt_tokens,
        completion_tokens=done.completion_tokens,
        cached_tokens=done.cached_tokens,
        prefill_seconds=done.prefill_seconds,
        decode_seconds=done.decode_seconds,
        stop_string=done.stop_string,
        dropped_messages=done.dropped_messages,
        dropped_tokens=done.dropped_tokens,
    )
