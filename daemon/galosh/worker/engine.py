"""Several answers at once: builds one batch per step out of all that run, and shares it out.

Owns who runs and who waits. Each step adds a token to every answer that writes and reads
some more for those that still read. An answer that has to make room is paused, not ended:
its cells go and are read again later. What goes wrong with one answer ends no other.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from galosh.worker.batch import Piece
from galosh.worker.context import CancelledError, Context, NoRoomError
from galosh.worker.fault import WorkerFault
from galosh.worker.generate import PIECE_SECONDS, Answer
from galosh.worker.mailbox import Mailbox
from galosh.worker.seats import Seats
from galosh.worker.share import Claim, ReadingPace, deal, last
from galosh.worker.streak import MOST_STEPS, Chooser

# A smaller part of a batch is over before stopping it would pay.
_WORTH_STOPPING_TOKENS = 32
_NO_ROOM_STATUS = 1
# Tokens are chosen in a row for so long, since words are sent no more often, or until somebody
# else asks. Where the next one could be guessed, only a few.
_STREAK_SECONDS = PIECE_SECONDS
_DRAFTING_STEPS = 4

Fail = Callable[[object, WorkerFault], None]
Work = list[tuple[Answer, Piece]]


class Engine:
    """See the module. `fail` tells of an answer's error by its id."""

    def __init__(
        self, context: Context, seats: Seats, mailbox: Mailbox, forgetful: bool, fail: Fail
    ) -> None:
        self._context = context
        self._seats = seats
        self._mailbox = mailbox
        self._forgetful = forgetful
        self._fail = fail
        self._running: list[Answer] = []
        self._waiting: list[Answer] = []
        self._suspects: list[Answer] = []
        self._pace = ReadingPace()
        self._arrivals = 0

    @property
    def busy(self) -> bool:
        """Whether any answer has not ended."""
        return bool(self._running or self._waiting)

    def add(self, answer: Answer) -> None:
        """Let an answer begin when there is a place for it."""
        self._arrivals += 1
        answer.arrival = self._arrivals
        self._waiting.append(answer)

    def step(self) -> None:
        """Bring every answer that may run a little further."""
        if self._mailbox.cancelled:
            self._end_cancelled()
        if self._waiting:
            self._admit()
        work = self._compose()
        if not work:
            return
        self._mailbox.guard(self._stoppable(work))
        begun = time.perf_counter()
        steps, choosers = self._steps_ahead(work)
        chosen = None
        try:
            pieces = [piece for _, piece in work]
            if steps > 1:
                chosen = self._context.write(
                    pieces, choosers, steps, _STREAK_SECONDS, self._mailbox.news
                )
            else:
                self._context.decode(pieces)
        except CancelledError:
            return  # who it was is seen at the next step
        except NoRoomError:
            self._make_room()
            return
        except WorkerFault as fault:
            self._after_fault(work, fault)
            return
        if chosen is None:
            self._share_out(work, begun)
        else:
            self._share_out_chosen(work, chosen, begun)

    def _steps_ahead(self, work: Work) -> tuple[int, list[Chooser]]:
        """How many tokens may be chosen in a row before anybody looks at them, and what with:
        where all write, and nothing else could be done in between."""
        context = self._context
        choosers: list[Chooser] = []
        others = self._suspects or self._waiting or len(work) < len(self._running)
        if not context.can_write or others or context.threads.on_trial:
            return 1, choosers
        steps = MOST_STEPS
        if len(work) == 1 and context.drafts and work[0][0].options.draft is not False:
            # A guess is looked for that much later; half as late as none was found, at most.
            steps = max(_DRAFTING_STEPS, min(MOST_STEPS, work[0][0].dry_steps // 2))
        for answer, piece in work:
            chooser = answer.chooser()
            if len(piece.tokens) > 1 or not answer.wrote or chooser is None:
                return 1, choosers
            choosers.append(chooser)
            steps = min(steps, answer.left_tokens)
        # A stop string may show only when more was written behind it.
        if not all(context.can_take_back(piece.sequence, steps) for _, piece in work):
            return 1, choosers
        return steps, choosers

    def _end_cancelled(self) -> None:
        for answer in [*self._running, *self._waiting]:
            if answer.id in self._mailbox.cancelled:
                self._end(answer, "cancelled")

    def _admit(self) -> None:
        while self._waiting:
            first = min(self._waiting, key=lambda answer: (-answer.priority, answer.arrival))
            if not self._seats.any_free or (self._running and not self._fits(first)):
                # The quick prompt does not wait for what may wait.
                victim = self._running[last(self._claims(self._running))]
                if victim.priority >= first.priority:
                    return
                self._pause(victim)
                continue
            self._waiting.remove(first)
            self._seats.sit(first, self._running)
            assert first.sequence is not None
            if len(self._context.held[first.sequence]) in first.places:
                self._seats.keep(first)
            self._running.append(first)

    def _fits(self, answer: Answer) -> bool:
        """Whether the pool holds it beside all that run, as far as is known now."""
        used = sum(len(other.tokens) - other.shared for other in self._running)
        return used + len(answer.tokens) < self._context.size_tokens

    def _compose(self) -> Work:
        """What goes into the next batch."""
        if self._suspects:
            return self._compose_for([self._suspects[0]])
        return self._compose_for(self._running)

    def _compose_for(self, answers: Sequence[Answer]) -> Work:
        held = self._context.held
        work: Work = []
        readers = []
        for answer in answers:
            if answer.leader is not None and not self._seats.join_leader(answer, self._running):
                continue
            assert answer.sequence is not None
            if not answer.started:
                answer.begin()
            if len(answer.tokens) - len(held[answer.sequence]) == 1:
                tokens = answer.tokens[-1:]
                if len(answers) == 1:
                    tokens += self._guess(answer)
                outputs = len(tokens) if answer.writes else 0
                work.append((answer, Piece(answer.sequence, tokens, outputs)))
            else:
                readers.append(answer)
        if readers:
            self._add_readers(work, readers)
        return work

    def _guess(self, answer: Answer) -> list[int]:
        """What the next step could check besides: only beside nobody, since what a guess
        costs is time of all."""
        context = self._context
        most = context.most_rows() - 1
        if not context.drafts or most < 1 or self._suspects:
            return []
        assert answer.sequence is not None
        if not context.can_take_back(answer.sequence, most):
            return []
        guess = answer.guess(most)
        if guess and not context.rows_tried:
            return self._first_guess(answer, guess)
        return guess

    def _first_guess(self, answer: Answer, guess: list[int]) -> list[int]:
        """As much of it as can be checked without changing a word."""
        assert answer.sequence is not None
        try:
            self._context.try_rows(answer.sequence, answer.tokens)
        except (CancelledError, NoRoomError, WorkerFault):
            return []  # the answer itself has not suffered
        return guess[: self._context.most_rows() - 1]

    def _add_readers(self, work: Work, readers: Sequence[Answer]) -> None:
        size = self._context.batch_tokens
        room = min(size - len(work), self._context.threads.next_batch_tokens(size))
        if work:
            room = min(room, self._pace.beside_writers(size))
        for answer, share in zip(readers, deal(self._claims(readers), room, size), strict=True):
            if share > 0:
                work.append((answer, self._reading(answer, share)))

    def _reading(self, answer: Answer, share: int) -> Piece:
        assert answer.sequence is not None
        start = len(self._context.held[answer.sequence])
        for place in answer.places:
            if place > start:
                share = min(share, place - start)
                break
        tokens = answer.tokens[start : start + share]
        whole = start + len(tokens) == len(answer.tokens)
        return Piece(answer.sequence, tokens, int(whole and answer.writes))

    def _claims(self, answers: Sequence[Answer]) -> list[Claim]:
        held = self._context.held
        return [
            Claim(
                answer.priority,
                answer.arrival,
                len(answer.tokens) - (0 if answer.sequence is None else len(held[answer.sequence])),
            )
            for answer in answers
        ]

    def _stoppable(self, work: Work) -> list[object]:
        """Whose cancellation is worth stopping the whole batch for."""
        if len(work) == 1:
            return [work[0][0].id]
        if self._forgetful:
            return []  # all others would have to read again from the start
        return [answer.id for answer, piece in work if len(piece.tokens) >= _WORTH_STOPPING_TOKENS]

    def _share_out(self, work: Work, begun: float) -> None:
        """Every answer takes its part of the batch that was computed."""
        row = 0
        read_tokens = 0
        for answer, piece in work:
            row += len(piece.tokens)
            if len(piece.tokens) > max(1, piece.outputs):
                read_tokens += len(piece.tokens)
            writing = answer.wrote
            take = partial(self._take, answer, piece, row - piece.outputs)
            reason = self._take_safely(answer, take)
            seconds = time.perf_counter() - begun
            answer.spend(seconds, writing)
            if writing and len(work) == 1:
                answer.note_steps(seconds)
            if reason is not None:
                self._end(answer, reason)
        if read_tokens:
            self._pace.note(time.perf_counter() - begun, read_tokens)
        if self._suspects:
            self._suspects = [a for a in self._suspects[1:] if a.sequence is not None]

    def _share_out_chosen(self, work: Work, chosen: list[tuple[int, ...]], begun: float) -> None:
        """Every answer takes the tokens that were chosen for it, until it ends."""
        seconds = (time.perf_counter() - begun) / len(chosen)
        for column, (answer, piece) in enumerate(work):
            end = len(self._context.held[piece.sequence])
            for step, tokens in enumerate(chosen, start=1):
                answer.spend(seconds, writing=True)
                take = partial(answer.take_token, tokens[column])
                reason = self._take_safely(answer, take)
                if answer.sequence is None:
                    break
                if reason is not None:
                    self._context.cut(piece.sequence, end - len(chosen) + step)
                    self._end(answer, reason)
                    break
            if len(work) == 1:
                answer.note_steps(seconds, len(chosen))

    def _take_safely(self, answer: Answer, take: Callable[[], str | None]) -> str | None:
        """What `take` says; an error ends this answer and no other."""
        try:
            return take()
        except WorkerFault as fault:
            self._end_in_fault(answer, fault)
        except MemoryError:
            self._end_in_fault(answer, WorkerFault("worker-out-of-memory"))
        except Exception as error:
            # The message of the exception may quote the answer: only the place is told.
            sys.stderr.write("".join(traceback.format_tb(error.__traceback__)))
            self._end_in_fault(answer, WorkerFault("worker-internal", reason=type(error).__name__))
        return None

    def _take(self, answer: Answer, piece: Piece, row: int) -> str | None:
        """Why it ended, or None. `row`: the first of the piece's rows of logits."""
        held_tokens = len(self._context.held[piece.sequence])
        if held_tokens in answer.places and piece.outputs <= 1:
            self._seats.keep(answer)
        if piece.outputs:
            guess = piece.tokens[len(piece.tokens) - piece.outputs + 1 :]
            reason, wrong = answer.take_tokens(self._context.pointer, row, guess)
            # What was guessed wrong goes; where it cannot, all is read again.
            self._context.cut(piece.sequence, held_tokens - wrong)
            return reason
        if held_tokens == len(answer.tokens):
            return "length"
        answer.tell_progress(held_tokens)
        return None

    def _make_room(self) -> None:
        """The pool is full: idle memories go first, then the least urgent answer waits."""
        if self._seats.drop_idle():
            return
        if len(self._running) > 1:
            self._pause(self._running[last(self._claims(self._running))])
            return
        answer = self._running[0]
        held_tokens = self._claims([answer])[0].tokens
        fault = WorkerFault("worker-decode-failed", status=_NO_ROOM_STATUS, held_tokens=held_tokens)
        self._end_in_fault(answer, fault)

    def _pause(self, answer: Answer) -> None:
        self._seats.keep(answer)
        self._remove(answer, reset=True)
        self._waiting.append(answer)

    def _after_fault(self, work: Work, fault: WorkerFault) -> None:
        """Native code refused a batch: alone, each answer shows whether it was the cause."""
        if len(work) > 1:
            self._suspects = [answer for answer, _ in work]
            return
        self._end_in_fault(work[0][0], fault)

    def _end_in_fault(self, answer: Answer, fault: WorkerFault) -> None:
        self._remove(answer, reset=True)
        answer.close()
        self._fail(answer.id, fault)
        self._mailbox.done(answer.id)

    def _end(self, answer: Answer, reason: str) -> None:
        self._remove(answer)
        answer.finish(reason)
        answer.close()
        self._mailbox.done(answer.id)

    def _remove(self, answer: Answer, reset: bool = False) -> None:
        if answer in self._waiting:
            self._waiting.remove(answer)
        if answer in self._running:
            self._running.remove(answer)
        if answer in self._suspects:
            self._suspects.remove(answer)
        self._seats.leave(answer, reset or not answer.options.reuse)
        for other in self._running:
            # Cells that were shared with it may now be another's alone.
            other.shared = 0
