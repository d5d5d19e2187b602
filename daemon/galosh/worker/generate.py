"""One answer, step by step: a micro-batch of the prompt, or one token of the answer.

Each `advance` is one step, so that whoever drives it can change threads, look for
cancellation or serve another answer in between. Owns the answer's sampler and text
streams; must never send half a character, a stop string, or a second ending.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from galosh.worker.context import CancelledError, Context
from galosh.worker.fault import WorkerFault
from galosh.worker.model import Model
from galosh.worker.options import GenerateOptions
from galosh.worker.sample import Logprobs, Sampler
from galosh.worker.text import StopHolder, Utf8Stream

Emit = Callable[[dict[str, object]], None]


class Generation:
    """An answer in the making. `close` it whatever happened."""

    def __init__(
        self,
        lib: Any,
        model: Model,
        context: Context,
        options: GenerateOptions,
        prompt: list[int],
        emit: Emit,
        logprobs: Logprobs | None,
    ) -> None:
        """`emit` gets started, text and done events, without their id."""
        self._model = model
        self._context = context
        self._emit = emit
        self._prompt = prompt
        self._logprobs = logprobs
        self._wanted_logprobs = options.logprobs or 0
        self._entries: list[dict[str, object]] = []
        stops = options.stop if options.messages is None else (*options.stop, *model.template.stops)
        self._stops = StopHolder(stops)
        self._utf8 = Utf8Stream()
        self._completed = 0
        self._prefill_seconds = 0.0
        self._decode_seconds = 0.0
        # A token needs a place only when the one after it is wanted.
        room = context.size_tokens - len(prompt) + 1
        self._maximum = room if options.max_tokens is None else min(options.max_tokens, room)
        self._sampler = Sampler(lib, model.vocabulary, options.sampling, prompt)
        self._cached = context.keep_prefix(prompt, options.reuse)
        self._started = False
        self._pending: list[int] = []
        self._template = model.template.kind if options.messages is not None else None

    def advance(self, cancelled: bool) -> bool:
        """Do one step; True while there is more to do. Raises WorkerFault."""
        if not self._started:
            self._start()
        if cancelled:
            return self._finish("cancelled")
        try:
            reason = self._read() if self._is_reading() else self._write()
        except CancelledError:
            reason = "cancelled"
        return True if reason is None else self._finish(reason)

    def close(self) -> None:
        """Give native parts back."""
        self._sampler.free()

    def _start(self) -> None:
        self._started = True
        event: dict[str, object] = {
            "type": "started",
            "prompt_tokens": len(self._prompt),
            "cached_tokens": self._cached,
            "seed": self._sampler.seed,
        }
        if self._template is not None:
            event["template"] = self._template
        self._emit(event)

    def _is_reading(self) -> bool:
        return len(self._context.held) < len(self._prompt)

    def _read(self) -> str | None:
        """One micro-batch of the prompt."""
        begun = time.perf_counter()
        start = len(self._context.held)
        size = self._context.threads.next_batch_tokens(self._context.batch_tokens)
        chunk = self._prompt[start : start + size]
        try:
            self._context.decode(chunk, start + len(chunk) == len(self._prompt))
        finally:
            self._prefill_seconds += time.perf_counter() - begun
        if self._is_reading():
            # A sign of life, and something to show, where reading takes minutes.
            self._emit({"type": "prefill", "read_tokens": len(self._context.held)})
            return None
        return "length" if self._maximum == 0 else None

    def _write(self) -> str | None:
        """One token of the answer; why it was the last, or None."""
        begun = time.perf_counter()
        try:
            if self._pending:
                self._context.decode(self._pending, True)
            return self._take_token()
        finally:
            self._decode_seconds += time.perf_counter() - begun

    def _take_token(self) -> str | None:
        if self._logprobs is not None:
            self._logprobs.read(self._context.pointer)
        token = self._sampler.next_token(self._context.pointer)
        words = self._model.vocabulary
        if not 0 <= token < words.size:
            raise WorkerFault("worker-sampler-failed", name="token")
        if words.is_end(token):
            return "stop"
        self._completed += 1
        self._pending = [token]
        if self._logprobs is not None:
            self._entries.append(self._entry(token, self._logprobs))
        self._send(self._stops.feed(self._utf8.feed(words.piece(token))))
        if self._stops.stopped:
            return "stop"
        return "length" if self._completed >= self._maximum else None

    def _send(self, text: str) -> None:
        if not text:
            return
        event: dict[str, object] = {"type": "text", "text": text}
        if self._entries:
            # Entries of tokens whose text was held back travel with the next text.
            event["logprobs"], self._entries = self._entries, []
        self._emit(event)

    def _entry(self, token: int, logprobs: Logprobs) -> dict[str, object]:
        words = self._model.vocabulary
        top = logprobs.likeliest(self._wanted_logprobs)
        return {
            "token": token,
            "text": words.text([token]),
            "logprob": logprobs.of(token),
            "top": [
                {"token": other, "text": words.text([other]), "logprob": value}
                for other, value in top
            ],
        }

    def _finish(self, reason: str) -> bool:
        if not self._stops.stopped:
            # Half a character is a fault of the model where it ended by itself; where the
            # answer was cut, the other half would have come, and the half is left out.
            rest = self._utf8.finish() if reason == "stop" else ""
            self._send(self._stops.feed(rest) + self._stops.finish())
        self._emit(
            {
                "type": "done",
                "finish_reason": reason,
                "prompt_tokens": len(self._prompt),
                "completion_tokens": self._completed,
                "cached_tokens": self._cached,
                "prefill_seconds": round(self._prefill_seconds, 6),
                "decode_seconds": round(self._decode_seconds, 6),
            }
        )
        return False
