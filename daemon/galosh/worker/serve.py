"""Serves requests one after another on the thread that owns the model.

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
from galosh.worker.context import AbortFlag, CancelledError, Context
from galosh.worker.fault import WorkerFault
from galosh.worker.generate import Generation
from galosh.worker.host import Host
from galosh.worker.mailbox import Mailbox, Request
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.prompt import prompt_tokens
from galosh.worker.sample import Logprobs

EXIT_ENGINE_BROKEN = 95
EXIT_PROTOCOL = 96
EXIT_TEMPLATE_ENDLESS = 97
_MAX_TOKENIZE_BYTES = 1024 * 1024

Emit = Callable[[Mapping[str, object]], None]


class Service:
    """The model's owner."""

    def __init__(
        self, native: Native, host: Host, mailbox: Mailbox, abort: AbortFlag, emit: Emit
    ) -> None:
        self._native = native
        self._host = host
        self._mailbox = mailbox
        self._abort = abort
        self._emit = emit
        self._model: Model | None = None
        self._context: Context | None = None
        self._logprobs: Logprobs | None = None
        self._handlers: dict[object, Callable[[Request], None]] = {
            "load": self._load,
            "generate": self._generate,
            "tokenize": self._tokenize,
            "count": self._count,
            "detokenize": self._detokenize,
        }

    def run(self) -> None:
        """Serve for ever; the process ends this, not a return."""
        while True:
            request = self._mailbox.take()
            try:
                self._serve(request)
            finally:
                self._mailbox.done()

    def _serve(self, request: Request) -> None:
        kind = request.get("type")
        try:
            handler = self._handlers.get(kind if isinstance(kind, str) else None)
            if handler is None:
                raise WorkerFault("worker-request-unknown", name=ascii(kind)[:60])
            handler(request)
        except WorkerFault as fault:
            self._fail(request, fault)
        except CancelledError:
            self._fail(request, WorkerFault("worker-cancelled"))
        except MemoryError:
            self._fail(request, WorkerFault("worker-out-of-memory"))
        except Exception as error:
            # The message of the exception may quote the prompt, so only the place is told.
            sys.stderr.write("".join(traceback.format_tb(error.__traceback__)))
            self._fail(request, WorkerFault("worker-internal", reason=type(error).__name__))

    def _fail(self, request: Request, fault: WorkerFault) -> None:
        fatal = fault.facts.pop("fatal", False)
        event: dict[str, object] = {"code": fault.code, "facts": fault.facts}
        if request.get("type") == "load":
            why = str(fault.facts.get("reason", ""))
            event = {"type": "load_failed", "why": why, **event}
        else:
            event = {"type": "error", **event}
        if "id" in request:
            event["id"] = request["id"]
        self._emit(event)
        if fatal:
            os._exit(EXIT_TEMPLATE_ENDLESS)

    def _load(self, request: Request) -> None:
        wanted = read.read_load(request)
        self._unload()
        begun = time.perf_counter()
        model = Model(self._native, self._host, wanted, self._progress, self._abort.is_set)
        try:
            context = Context(self._native, model, wanted, self._abort)
            self._warm_up(context)
        except BaseException:
            model.free()
            raise
        self._model, self._context = model, context
        self._emit(
            {
                "type": "loaded",
                "context_tokens": context.size_tokens,
                "context_train": model.context_train,
                "batch_tokens": context.batch_tokens,
                "memory_bytes": self._host.resident_bytes(),
                "load_seconds": round(time.perf_counter() - begun, 6),
                "template": model.template.kind == "own",
                "template_kind": model.template.kind,
                "description": model.description,
                "parameters": model.parameters,
                "size_bytes": model.size_bytes,
                "vocabulary_tokens": model.vocabulary.size,
            }
        )

    def _warm_up(self, context: Context) -> None:
        try:
            context.warm_up()
        except CancelledError:
            context.free()
            raise WorkerFault("worker-load-cancelled") from None
        except BaseException:
            context.free()
            raise

    def _progress(self, fraction: float) -> None:
        self._emit({"type": "load_progress", "fraction": fraction})

    def _unload(self) -> None:
        if self._logprobs is not None:
            self._logprobs.free()
        if self._context is not None:
            self._context.free()
        if self._model is not None:
            self._model.free()
        self._model = self._context = self._logprobs = None

    def _loaded(self) -> tuple[Model, Context]:
        if self._model is None or self._context is None:
            raise WorkerFault("worker-no-model")
        return self._model, self._context

    def _generate(self, request: Request) -> None:
        model, context = self._loaded()
        if type(request.get("id")) not in (str, int):
            raise WorkerFault("worker-option-wrong", name="id", value="?", expected='"…"')
        wanted = read.read_generate(request, model.vocabulary.size)
        try:
            prompt = prompt_tokens(model, wanted, context.size_tokens, self._abort.is_set)
        except CancelledError:
            self._end_unread(request)
            return
        logprobs = self._logprobs_for(model) if wanted.logprobs is not None else None

        def emit(event: dict[str, object]) -> None:
            self._emit({**event, "id": request["id"]})

        answer = Generation(self._native.lib, model, context, wanted, prompt, emit, logprobs)
        try:
            self._apply_threads(context)
            while answer.advance(self._abort.is_set()):
                self._apply_threads(context)
        finally:
            answer.close()

    def _end_unread(self, request: Request) -> None:
        """CancelledError before its prompt was even read."""
        self._emit(
            {
                "type": "done",
                "id": request["id"],
                "finish_reason": "cancelled",
                "prompt_tokens": 0,
                "completion_tokens": 0,
                "cached_tokens": 0,
                "prefill_seconds": 0.0,
                "decode_seconds": 0.0,
            }
        )

    def _logprobs_for(self, model: Model) -> Logprobs:
        if self._logprobs is None:
            self._logprobs = Logprobs(self._native.lib, model.vocabulary.size)
        return self._logprobs

    def _apply_threads(self, context: Context) -> None:
        count = self._mailbox.take_threads()
        if count is not None:
            context.threads.set(count, count)

    def _tokenize(self, request: Request) -> None:
        self._emit({"type": "tokens", "id": request.get("id"), "tokens": self._tokens(request)})

    def _count(self, request: Request) -> None:
        if request.get("messages") is None:
            count = len(self._tokens(request))
        else:
            model, _ = self._loaded()
            wanted = read.read_generate({"messages": request["messages"]}, model.vocabulary.size)
            limit = read.MAX_CONTEXT_TOKENS
            count = len(prompt_tokens(model, wanted, limit, self._abort.is_set))
        self._emit({"type": "count", "id": request.get("id"), "count": count})

    def _tokens(self, request: Request) -> list[int]:
        model, _ = self._loaded()
        text = read.utf8(read.read_text(request), "text")
        if len(text) > _MAX_TOKENIZE_BYTES:
            raise WorkerFault(
                "worker-text-too-long", size_bytes=len(text), limit_bytes=_MAX_TOKENIZE_BYTES
            )
        return model.vocabulary.tokens(text, request.get("parse_special") is True)

    def _detokenize(self, request: Request) -> None:
        model, _ = self._loaded()
        tokens = read.read_tokens(request, model.vocabulary.size)
        self._emit(
            {
                "type": "detokenized",
                "id": request.get("id"),
                "text": model.vocabulary.text(tokens),
            }
        )
