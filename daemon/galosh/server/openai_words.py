"""OpenAI's chat and completion answers, in its words. Pure; see `replies` for the shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from galosh.base.errors import GaloshError
from galosh.server import replies
from galosh.server.replies import Ending, Heading, TextEvents
from galosh.server.words import Words
from galosh.supervisor.request import Done, Notice, Started


class OpenAiDialect:
    """See answering.Dialect."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(
        self, answer_id: str, created: int, *, chat: bool, usage: bool, notices: bool = False
    ) -> None:
        """notices: the client said that it reads chunks that hold a notice and no words."""
        self._id = answer_id
        self._created = created
        self._chat = chat
        self._usage = usage
        self._notices = notices
        self._calls = 0
        self._told: list[Mapping[str, object]] = []
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
            told = replies.sse(replies.chunk(self._heading, words))
        else:
            told = self._texts.event(words.text) if words.text or not words.calls else b""
        for call in words.calls:
            told += b"".join(
                map(replies.sse, replies.call_chunks(self._heading, call, self._calls))
            )
            self._calls += 1
        return told

    def end(self, done: Done) -> bytes:
        """See Dialect."""
        last = replies.sse(replies.chunk(self._heading, None, done.finish_reason))
        if self._usage:
            last += replies.sse(replies.usage_chunk(self._heading, self._ending(done)))
        return last + replies.SSE_DONE

    def notice(self, notice: Notice) -> bytes:
        """See Telling."""
        told = notice.to_json()
        self._told.append(told)
        return replies.sse(replies.notice_chunk(self._heading, told)) if self._notices else b""

    def failure(self, error: GaloshError) -> bytes:
        """See Dialect."""
        return replies.sse(replies.error_body(error))

    def whole(self, words: Words, done: Done) -> dict[str, object]:
        """See Dialect."""
        return replies.whole(self._heading, words, self._ending(done))

    def _ending(self, done: Done) -> Ending:
        return replace(ending_of(done), notices=tuple(self._told))


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
