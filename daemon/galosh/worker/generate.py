"""One answer in the making: its tokens so far, its sampler, and the events it sends.

Owns what belongs to one request and nothing native but its sampler. Where its tokens are
held, and when it may go on, is for `galosh.worker.engine`. Must never send half a
character, a stop string, or a second ending.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from galosh.worker.calling import trigger_of
from galosh.worker.draft import Drafter, RowCost
from galosh.worker.draft_model import DraftModel
from galosh.worker.fault import WorkerFault
from galosh.worker.model import Model
from galosh.worker.options import GenerateOptions
from galosh.worker.sample import Logprobs, Sampler
from galosh.worker.streak import Chooser
from galosh.worker.text import StopHolder, Utf8Stream

Emit = Callable[[dict[str, object]], None]

# Every piece costs the daemon and its client a millisecond of the processors that the model
# computes on; ten of them a second read as one flow (Nielsen, Usability Engineering, 1993: a
# tenth of a second feels immediate).
PIECE_SECONDS = 0.1


class Answer:
    """See the module. `close` it whatever happened.

    tokens: the prompt and what was written; what is not held yet is still to be read.
    sequence: where they are held, None while it waits. places: at how many tokens the
    state is worth keeping. shared: how many of its cells another answer holds too.
    leader: an answer that is reading the same beginning, and how far it is the same.
    dropped_…: what was left out of the question. thinking: the prompt opens a thought.
    """

    def __init__(
        self,
        lib: Any,
        model: Model,
        options: GenerateOptions,
        prompt: list[int],
        size_tokens: int,
        emit: Emit,
        logprobs: Logprobs | None,
        draft_model: DraftModel | None = None,
        row_cost: RowCost | None = None,
        thinking: bool = False,
    ) -> None:
        """`emit` gets started, prefill, text and done events, without their id."""
        self.tokens = list(prompt)
        self.prompt_tokens = len(prompt)
        self.options = options
        self.priority = options.priority
        self.arrival = 0
        self.id: object = None
        self.sequence: int | None = None
        self.places: tuple[int, ...] = ()
        self.shared = 0
        self.leader: tuple[Answer, int] | None = None
        self.started = False
        self.cached_tokens = self.restored_tokens = 0
        self.dropped_messages = self.dropped_tokens = 0
        self.thinking = thinking
        self._model = model
        self._emit = emit
        self._logprobs = logprobs
        self._wanted_logprobs = options.logprobs or 0
        self._entries: list[dict[str, object]] = []
        stops = options.stop if options.messages is None else (*options.stop, *model.template.stops)
        self._stops = StopHolder(stops)
        self._unsent = ""
        self._sent_seconds = 0.0
        self._utf8 = Utf8Stream()
        self._completed = 0
        self._prefill_seconds = 0.0
        self._decode_seconds = 0.0
        # A token needs a place only when the one after it is wanted.
        room = size_tokens - len(prompt) + 1
        self._maximum = room if options.max_tokens is None else min(options.max_tokens, room)
        self._sampler = Sampler(
            lib,
            model.vocabulary,
            options.sampling,
            prompt if options.messages is None or options.sampling.penalize_prompt else (),
            grammar=options.grammar,
            trigger=trigger_of(model, options, thinking=thinking),
            marks=bool(options.tools),
            context_tokens=size_tokens,
        )
        self._template = model.template.kind if options.messages is not None else None
        self._size_tokens = size_tokens
        self._drafter: Drafter | None = None
        self._draft_model = draft_model
        self._row_cost = row_cost
        self._by_model = False  # who made the last guess
        self._guess_seconds = 0.0  # what the small model took for it
        self._telling = True  # whether the last step says anything about time
        self._checked = (0, 0)
        self._draft_tokens = self._draft_accepted = 0
        self.dry_steps = 0  # in a row, for which nobody had a guess

    @property
    def writes(self) -> bool:
        """Whether words are wanted, and not only the reading of the prompt."""
        return self._maximum > 0

    def close(self) -> None:
        """Give native parts back."""
        self._sampler.free()

    def begin(self) -> None:
        """Say that it is being worked on, once."""
        if self.started:
            return
        self.started = True
        event: dict[str, object] = {
            "type": "started",
            "prompt_tokens": self.prompt_tokens,
            "cached_tokens": self.cached_tokens,
            "seed": self._sampler.seed,
        }
        if self._template is not None:
            event["template"] = self._template
            event["form"] = self._model.template.form.name
        if self.thinking:
            event["thinking"] = True
        self._emit(event)

    @property
    def wrote(self) -> bool:
        """Whether the first token of the answer is there."""
        return self._completed > 0

    def spend(self, seconds: float, writing: bool) -> None:
        """A step took so long, of writing or of reading the prompt."""
        if writing:
            self._decode_seconds += seconds + self._guess_seconds
        else:
            self._prefill_seconds += seconds

    def tell_progress(self, read_tokens: int) -> None:
        """A sign of life, and something to show, where reading takes minutes."""
        if self._completed == 0:
            self._emit({"type": "prefill", "read_tokens": read_tokens})

    def guess(self, most: int) -> list[int]:
        """How it may go on: at most `most` tokens, to be checked in one step."""
        if self.options.draft is False or not self.wrote:
            return []
        if self._drafter is None:
            self._drafter = Drafter(self.tokens, self._row_cost)
        # The last token needs no guess, and every guess a place in memory.
        room = min(self.left_tokens - 1, self._size_tokens - len(self.tokens))
        found = self._drafter.propose(min(most, room))
        self._by_model, self._telling = False, True
        if found or self._draft_model is None or not self._draft_model.usable:
            return found
        return self._ask_draft_model(self._draft_model, min(most, room))

    def _ask_draft_model(self, draft_model: DraftModel, most: int) -> list[int]:
        """What was not said before, the small model may know."""
        length = draft_model.pay.length(most)
        if length <= 0:
            return []
        begun = time.perf_counter()
        found = draft_model.guess(self.tokens, length)
        self._guess_seconds = time.perf_counter() - begun
        self._by_model, self._telling = bool(found), found is not None
        return found or []

    def note_steps(self, seconds: float, steps: int = 1) -> None:
        """The last step, of this answer alone, took so long; or each of several in a row."""
        seconds, self._guess_seconds = seconds + self._guess_seconds, 0.0
        if self._drafter is None or not self._telling:
            return
        proposed, accepted = self._checked
        self.dry_steps = 0 if proposed else self.dry_steps + steps
        if not proposed:
            self._drafter.note_plain(seconds, steps)
            if self._draft_model is not None:
                self._draft_model.pay.note_plain(seconds, steps)
        elif self._by_model and self._draft_model is not None:
            self._draft_model.pay.note(proposed, accepted, seconds)
        else:
            self._drafter.note(proposed, accepted, seconds)

    def take_tokens(
        self, context_pointer: Any, row: int, guess: Sequence[int]
    ) -> tuple[str | None, int]:
        """Choose the next token at a row of the last batch, and the ones after it for as long
        as `guess` was right. Why the last one was the last, or None; how much was wrong."""
        reason = self._take_token(context_pointer, row)
        accepted = 0
        while reason is None and accepted < len(guess) and self.tokens[-1] == guess[accepted]:
            accepted += 1
            reason = self._take_token(context_pointer, row + accepted)
        self._checked = len(guess), accepted
        self._draft_tokens += len(guess)
        self._draft_accepted += accepted
        return reason, len(guess) - accepted

    def chooser(self) -> Chooser | None:
        """What chooses its next tokens without us; None where each is looked at first."""
        return self._sampler.chooser() if self._logprobs is None else None

    @property
    def left_tokens(self) -> int:
        """How many more it may write."""
        return self._maximum - self._completed

    def take_token(self, token: int) -> str | None:
        """`token` was chosen for it, with its chooser. Why it was the last one, or None."""
        self._checked = (0, 0)
        return self._add(token)

    def _take_token(self, context_pointer: Any, row: int) -> str | None:
        if self._logprobs is not None:
            self._logprobs.read(context_pointer, row)
        return self._add(self._sampler.next_token(context_pointer, row))

    def _add(self, token: int) -> str | None:
        words = self._model.vocabulary
        if not 0 <= token < words.size:
            raise WorkerFault("worker-sampler-failed", name="token")
        if words.is_end(token):
            return "stop"
        self._completed += 1
        self.tokens.append(token)
        if self._drafter is not None:
            self._drafter.add(token)
        if self._logprobs is not None:
            self._entries.append(self._entry(token, self._logprobs))
        self._say(self._stops.feed(self._utf8.feed(words.piece(token))))
        if self._stops.stopped:
            return "stop"
        return "length" if self._completed >= self._maximum else None

    def finish(self, reason: str) -> None:
        """Send what was held back, and the end."""
        if not self._stops.stopped:
            # Half a character is a fault of the model where it ended by itself; where the
            # answer was cut, the other half would have come, and the half is left out.
            rest = self._utf8.finish() if reason == "stop" else ""
            self._unsent += self._stops.feed(rest) + self._stops.finish()
        self._send()
        own = self._stops.found if self._stops.found in self.options.stop else None
        self._emit(
            {
                "type": "done",
                "finish_reason": reason,
                "stop_string": own,
                "dropped_messages": self.dropped_messages,
                "dropped_tokens": self.dropped_tokens,
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self._completed,
                "cached_tokens": self.cached_tokens,
                "restored_tokens": self.restored_tokens,
                "prefill_seconds": round(self._prefill_seconds, 6),
                "decode_seconds": round(self._decode_seconds, 6),
                "draft_tokens": self._draft_tokens,
                "draft_accepted": self._draft_accepted,
            }
        )

    def _say(self, text: str) -> None:
        """Send it with what is not sent yet, unless the last piece was a moment ago."""
        self._unsent += text
        if self._unsent and time.perf_counter() - self._sent_seconds >= PIECE_SECONDS:
            self._send()

    def _send(self) -> None:
        if not self._unsent:
            return
        event: dict[str, object] = {
            "type": "text",
            "text": self._unsent,
            "completion_tokens": self._completed,  # with this piece
        }
        self._unsent, self._sent_seconds = "", time.perf_counter()
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
