"""Serves requests between the steps of the answers, on the thread that owns the model.

Owns what happens to each kind of request and that each ends in exactly one final event.
Nothing a request holds may end the process: what goes wrong in Python leaves as an error
event; what goes wrong in native code is why this is a process of its own.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping

from galosh.worker import options as read
from galosh.worker.calling import held_to_calls
from galosh.worker.confine import Confinement
from galosh.worker.context import AbortFlag, CancelledError, Context
from galosh.worker.embed import Embedder, read_embed, tokens_of
from galosh.worker.fault import WorkerFault
from galosh.worker.generate import Answer
from galosh.worker.host import Host
from galosh.worker.lifecycle import Loaded
from galosh.worker.mailbox import Mailbox, Request
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.prompt import keeping_places, prompt_tokens
from galosh.worker.shorten import fitting_prompt

EXIT_ENGINE_BROKEN = 95
EXIT_PROTOCOL = 96
EXIT_TEMPLATE_ENDLESS = 97
EXIT_DEFECT = 98
# How long a save at the end may take.
EXIT_SAVE_SECONDS = 2.0
_MAX_TOKENIZE_BYTES = 1024 * 1024
# A follow-up that comes sooner finds everything in the context anyway.
_SETTLE_SECONDS = 0.2

Emit = Callable[[Mapping[str, object]], None]


class Service:
    """The model's owner."""

    def __init__(
        self,
        native: Native,
        host: Host,
        mailbox: Mailbox,
        abort: AbortFlag,
        emit: Emit,
        walls: Confinement,
    ) -> None:
        self._native = native
        self._host = host
        self._mailbox = mailbox
        self._emit = emit
        self._walls = walls
        self._abort = abort
        self._loaded = Loaded(native, host, mailbox, abort, self._tell_fault)
        self._handlers: dict[object, Callable[[Request], bool]] = {
            "load": self._load,
            "generate": self._generate,
            "rest": self._rest,
            "tokenize": self._tokenize,
            "count": self._count,
            "detokenize": self._detokenize,
            "embed": self._embed,
        }

    def run(self) -> None:
        """Serve for ever; the process ends this, not a return."""
        while True:
            busy = self._loaded.busy
            quiet = _SETTLE_SECONDS if self._loaded.unsettled else None
            request = self._mailbox.take(not busy, quiet)
            while request is not None:
                self._serve(request)
                request = self._mailbox.take(False)
            if self._mailbox.leaving:
                self._loaded.save(EXIT_SAVE_SECONDS)
                os._exit(0)
            if self._loaded.engine is not None and self._loaded.busy:
                self._apply_threads()
                self._loaded.engine.step()
            elif not busy:
                self._loaded.settle()

    def _serve(self, request: Request) -> None:
        kind = request.get("type")
        goes_on = False
        try:
            handler = self._handlers.get(kind if isinstance(kind, str) else None)
            if handler is None:
                raise WorkerFault("worker-request-unknown", name=ascii(kind)[:60])
            goes_on = handler(request)
        except WorkerFault as fault:
            self._refuse(request, fault)
        except CancelledError:
            self._refuse(request, WorkerFault("worker-cancelled"))
        except MemoryError:
            self._refuse(request, WorkerFault("worker-out-of-memory"))
        except Exception as error:
            # The message of the exception may quote the prompt, so only the place is told.
            sys.stderr.write("".join(traceback.format_tb(error.__traceback__)))
            self._refuse(request, WorkerFault("worker-internal", reason=type(error).__name__))
        if not goes_on:
            self._mailbox.done(request.get("id"))

    def _refuse(self, request: Request, fault: WorkerFault) -> None:
        if request.get("type") != "load":
            self._tell_fault(request.get("id"), fault, "id" in request)
            return
        event: dict[str, object] = {
            "type": "load_failed",
            "why": str(fault.facts.get("reason", "")),
            "code": fault.code,
            "facts": fault.facts,
        }
        if "id" in request:
            event["id"] = request["id"]
        self._emit(event)

    def _tell_fault(self, name: object, fault: WorkerFault, named: bool = True) -> None:
        fatal = fault.facts.pop("fatal", False)
        event: dict[str, object] = {"type": "error", "code": fault.code, "facts": fault.facts}
        if named:
            event["id"] = name
        self._emit(event)
        if fatal:
            os._exit(EXIT_TEMPLATE_ENDLESS)

    def _load(self, request: Request) -> bool:
        wanted = read.read_load(request)
        self._must_be_idle()
        begun = time.perf_counter()
        self._mailbox.guard([request.get("id")])
        confined = self._walls.enter(wanted)
        model, context = self._loaded.load(wanted, self._progress)
        sizes = self._loaded.sizes
        caches = [sizes[kind] for kind in ("KV", "RS") if kind in sizes]
        self._emit(
            {
                "type": "loaded",
                "context_tokens": context.size_tokens,
                "context_train": model.context_train,
                "batch_tokens": context.batch_tokens,
                "sequences": context.sequences,
                "memory_bytes": self._host.resident_bytes(),
                "weights_bytes": sizes.get("model"),
                "cache_bytes": sum(caches) if caches else None,
                "compute_bytes": sizes.get("compute"),
                "output_bytes": sizes.get("output"),
                "load_seconds": round(time.perf_counter() - begun, 6),
                "template": model.template.kind == "own",
                "template_kind": model.template.kind,
                "description": model.description,
                **self._draft_facts(),
                "parameters": model.parameters,
                "size_bytes": model.size_bytes,
                "vocabulary_tokens": model.vocabulary.size,
                "confined": confined,
            }
        )
        return False

    def _draft_facts(self) -> dict[str, object]:
        """Whether a small model guesses, or why the one that was wanted does not."""
        fault = self._loaded.draft_fault
        told = None if fault is None else {"code": fault.code, "facts": fault.facts}
        return {"draft_model": self._loaded.draft_model is not None, "draft_refused": told}

    def _progress(self, fraction: float) -> None:
        self._emit({"type": "load_progress", "fraction": fraction})

    def _must_be_idle(self) -> None:
        if self._loaded.busy:
            raise WorkerFault("worker-busy")

    def _awake(self, request: Request) -> tuple[Model, Context]:
        """Model and context, woken where they rest."""
        awake = self._loaded.awake
        if awake is not None or not self._loaded.known:
            if awake is None:
                raise WorkerFault("worker-no-model")
            return awake
        name, begun = request.get("id"), time.perf_counter()
        self._emit({"type": "waking", "id": name})
        self._mailbox.guard([name])

        def progress(fraction: float) -> None:
            self._emit({"type": "load_progress", "id": name, "fraction": fraction})

        model, context = self._loaded.wake(progress)
        seconds = round(time.perf_counter() - begun, 6)
        self._emit({"type": "woken", "id": name, "seconds": seconds})
        return model, context

    def _generate(self, request: Request) -> bool:
        name = request.get("id")
        if not self._loaded.known:
            raise WorkerFault("worker-no-model")
        if type(name) not in (str, int):
            raise WorkerFault("worker-option-wrong", name="id", value="?", expected='"…"')
        try:
            model, context = self._awake(request)
            wanted = read.read_generate(request, model.vocabulary.size)
            fitting = fitting_prompt(model, wanted, context.size_tokens, self._cancelled(name))
            prompt = fitting.tokens
            wanted = held_to_calls(model, fitting.options, thinking=fitting.thinking)
        except CancelledError:
            self._end_unread(name)
            return False
        except WorkerFault as fault:
            if fault.code != "worker-load-cancelled":
                raise
            self._end_unread(name)
            return False

        def emit(event: dict[str, object]) -> None:
            event["id"] = name
            self._emit(event)

        logprobs = self._loaded.logprobs() if wanted.logprobs is not None else None
        lib, size = self._native.lib, context.size_tokens
        guessing = self._loaded.draft_model, self._loaded.row_cost
        answer = Answer(
            lib, model, wanted, prompt, size, emit, logprobs, *guessing, fitting.thinking
        )
        answer.dropped_messages = fitting.dropped_messages
        answer.dropped_tokens = fitting.dropped_tokens
        try:
            if wanted.reuse and not context.can_share:
                answer.places = keeping_places(model, wanted, prompt)
        except BaseException:
            answer.close()
            raise
        answer.id = name
        assert self._loaded.engine is not None
        self._loaded.engine.add(answer)
        return True

    def _cancelled(self, name: object) -> Callable[[], bool]:
        return lambda: self._mailbox.leaving or name in self._mailbox.cancelled

    def _end_unread(self, name: object) -> None:
        """Cancelled before its prompt was even read."""
        self._emit(
            {
                "type": "done",
                "id": name,
                "finish_reason": "cancelled",
                "prompt_tokens": 0,
                "completion_tokens": 0,
                "cached_tokens": 0,
                "restored_tokens": 0,
                "prefill_seconds": 0.0,
                "decode_seconds": 0.0,
                "draft_tokens": 0,
                "draft_accepted": 0,
            }
        )

    def _apply_threads(self) -> None:
        count = self._mailbox.take_threads()
        if count is not None:
            self._loaded.set_threads(count)

    def _rest(self, request: Request) -> bool:
        stage = read.read_stage(request)
        if not self._loaded.known:
            raise WorkerFault("worker-no-model")
        self._must_be_idle()
        begun = time.perf_counter()
        saved_bytes = self._loaded.rest(model_too=stage == "model")
        self._emit(
            {
                "type": "rested",
                "id": request.get("id"),
                "stage": stage,
                "memory_bytes": self._host.resident_bytes(),
                "saved_bytes": saved_bytes,
                "seconds": round(time.perf_counter() - begun, 6),
            }
        )
        return False

    def _tokenize(self, request: Request) -> bool:
        self._emit({"type": "tokens", "id": request.get("id"), "tokens": self._tokens(request)})
        return False

    def _count(self, request: Request) -> bool:
        if request.get("messages") is None:
            count = len(self._tokens(request))
        else:
            model = self._vocabulary_of(request)
            wanted = read.read_generate({"messages": request["messages"]}, model.vocabulary.size)
            cancelled = self._cancelled(request.get("id"))
            count = len(prompt_tokens(model, wanted, read.MAX_CONTEXT_TOKENS, cancelled))
        self._emit({"type": "count", "id": request.get("id"), "count": count})
        return False

    def _vocabulary_of(self, request: Request) -> Model:
        """The model, which is woken where it rests; its context is not needed."""
        return self._loaded.model or self._awake(request)[0]

    def _tokens(self, request: Request) -> list[int]:
        model = self._vocabulary_of(request)
        text = read.utf8(read.read_text(request), "text")
        if len(text) > _MAX_TOKENIZE_BYTES:
            raise WorkerFault(
                "worker-text-too-long", size_bytes=len(text), limit_bytes=_MAX_TOKENIZE_BYTES
            )
        return model.vocabulary.tokens(text, request.get("parse_special") is True)

    def _embed(self, request: Request) -> bool:
        name, wish = request.get("id"), read_embed(request)
        model, context = self._awake(request)
        self._mailbox.guard([name])
        limit = min(context.size_tokens, model.context_train)
        texts, dropped = tokens_of(model, wish, limit)
        assert self._loaded.options is not None
        longest, options = max(map(len, texts)), self._loaded.options

        def alive(read_tokens: int) -> None:
            self._emit({"type": "prefill", "id": name, "read_tokens": read_tokens})

        with Embedder(self._native, model, options, self._abort, longest) as embedder:
            vectors = [embedder.vector(tokens, alive) for tokens in texts]
        counted = sum(map(len, texts))
        told = {"vectors": vectors, "tokens": counted, "dropped_tokens": dropped}
        self._emit({"type": "embedded", "id": name, **told})
        return False

    def _detokenize(self, request: Request) -> bool:
        model = self._vocabulary_of(request)
        tokens = read.read_tokens(request, model.vocabulary.size)
        self._emit(
            {
                "type": "detokenized",
                "id": request.get("id"),
                "text": model.vocabulary.text(tokens),
            }
        )
        return False
