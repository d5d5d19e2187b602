"""What is loaded in this worker, how it goes to rest and how it wakes.

Owns model, context, seats, engine and kept prefixes as one whole: all there, without its
buffers, or only known by name. Waking is the same as loading, from the same wishes; what
was read before comes back from the kept prefixes. Must save before it lets go.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from galosh.worker.context import AbortFlag, CancelledError, Context
from galosh.worker.draft import RowCost
from galosh.worker.draft_model import DraftModel
from galosh.worker.engine import Engine, Fail
from galosh.worker.fault import WorkerFault
from galosh.worker.host import Host
from galosh.worker.mailbox import Mailbox
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.options import LoadOptions
from galosh.worker.prefix_files import PrefixFiles
from galosh.worker.prefixes import Prefixes
from galosh.worker.render import prepare
from galosh.worker.sample import Logprobs
from galosh.worker.seats import Seats

Progress = Callable[[float], None]


class Loaded:
    """See the module. `model` and `context` are None while they rest."""

    def __init__(
        self, native: Native, host: Host, mailbox: Mailbox, abort: AbortFlag, fail: Fail
    ) -> None:
        self._native = native
        self._host = host
        self._mailbox = mailbox
        self._abort = abort
        self._fail = fail
        self._options: LoadOptions | None = None
        self._prefixes: Prefixes | None = None
        self._seats: Seats | None = None
        self._logprobs: Logprobs | None = None
        self.model: Model | None = None
        self.context: Context | None = None
        self.engine: Engine | None = None
        self.sizes: dict[str, int] = {}
        self.draft_model: DraftModel | None = None
        self.row_cost = RowCost()  # of this model on this PC, whichever answer learns it
        self.draft_fault: WorkerFault | None = None

    @property
    def busy(self) -> bool:
        """Whether any answer has not ended."""
        return self.engine is not None and self.engine.busy

    @property
    def unsettled(self) -> bool:
        """Whether there is something to do once it is quiet."""
        return self._seats is not None and self._seats.unsettled

    def load(self, options: LoadOptions, progress: Progress) -> tuple[Model, Context]:
        """Load a model in place of whatever is there. Raises WorkerFault."""
        self.unload()
        self._native.log.take_sizes()
        self._prefixes = _prefixes(options)
        try:
            if options.awaited:
                self._prefixes.read_ahead()
            model = self._load_model(options, progress)
            # Not beside the loading itself, which asks Python at every step whether to go on.
            threading.Thread(target=prepare, name="prepare", daemon=True).start()
            context = self._make_context(model, options)
            if not options.awaited:
                context.warm_up()
        except CancelledError:
            self._free_model()
            raise WorkerFault("worker-load-cancelled") from None
        except BaseException:
            self._free_model()
            raise
        self._options = options
        self._seat(context, model)
        self.sizes = self._native.log.take_sizes()
        self._load_draft_model(model, context)
        return model, context

    def wake(self, progress: Progress) -> tuple[Model, Context]:
        """All of it, as it was before it went to rest. Raises WorkerFault."""
        if self._options is None or self._prefixes is None:
            raise WorkerFault("worker-no-model")
        if self.context is None:
            self._prefixes.read_ahead()
        model = self.model or self._load_model(self._options, progress)
        if self.context is None:
            self._seat(self._make_context(model, self._options), model)
            assert self.context is not None
            self._load_draft_model(model, self.context)
        assert self.context is not None
        return model, self.context

    @property
    def awake(self) -> tuple[Model, Context] | None:
        """Model and context, if both are there."""
        if self.model is None or self.context is None:
            return None
        return self.model, self.context

    @property
    def options(self) -> LoadOptions | None:
        """How the model was asked to be loaded."""
        return self._options

    @property
    def known(self) -> bool:
        """Whether a model was loaded, though it may rest now."""
        return self._options is not None

    def set_threads(self, count: int) -> None:
        """Compute with as many threads, now and after a rest."""
        if self._options is not None:
            self._options = dataclasses.replace(self._options, threads=count, threads_batch=count)
        if self.context is not None:
            self.context.threads.set(count, count)

    def logprobs(self) -> Logprobs:
        """The one reader of log-probabilities."""
        assert self.model is not None
        if self._logprobs is None:
            self._logprobs = Logprobs(self._native.lib, self.model.vocabulary.size)
        return self._logprobs

    def settle(self) -> None:
        """It is quiet: keep outside the context what was read."""
        if self._seats is not None:
            self._seats.settle()

    def save(self, seconds: float | None) -> int:
        """Write what was read to files, for `seconds` at most. Returns the bytes written."""
        deadline = None if seconds is None else time.monotonic() + seconds
        if self._seats is not None:
            self._seats.settle(everybody=True, deadline=deadline)
        return 0 if self._prefixes is None else self._prefixes.save(deadline)

    def rest(self, model_too: bool) -> int:
        """Save, then give the buffers back, and the model. Returns the bytes written."""
        saved_bytes = self.save(None)
        if self._prefixes is not None:
            self._prefixes.give_back(model_too)
        self._free_context()
        if model_too:
            self._free_model()
        return saved_bytes

    def unload(self, seconds: float = 2.0) -> None:
        """Save and give everything back."""
        if self._options is not None:
            self.save(seconds)
        self._free_model()
        self._options = self._prefixes = None

    def _load_model(self, options: LoadOptions, progress: Progress) -> Model:
        with self._small_pages():
            self.model = Model(self._native, self._host, options, progress, self._abort.is_set)
        return self.model

    @contextlib.contextmanager
    def _small_pages(self) -> Iterator[None]:
        """Weights and caches, made whole at once, would have the kernel move other programs'
        memory to make room for large pages: half a second on a PC that is up for a while. What
        is computed in is touched later; it is a few pages, and used for every token."""
        self._host.allow_large_pages(False)
        try:
            yield
        finally:
            self._host.allow_large_pages(True)

    def _load_draft_model(self, model: Model, context: Context) -> None:
        """The small model beside it; without it all goes on, only slower."""
        assert self._options is not None
        self.draft_fault = None
        if self._options.draft_path is None or not context.drafts:
            return
        wanted = dataclasses.replace(self._options, context_tokens=context.size_tokens)
        try:
            with self._small_pages():
                self.draft_model = DraftModel(self._native, self._host, model, wanted, self._abort)
        except WorkerFault as fault:
            self.draft_fault = fault
            sys.stderr.write(f"no draft model: {fault.code}\n")

    def _make_context(self, model: Model, options: LoadOptions) -> Context:
        with self._small_pages():
            self.context = Context(self._native, model, options, self._abort)
        return self.context

    def _seat(self, context: Context, model: Model) -> None:
        assert self._prefixes is not None
        self._prefixes.serve(context.usable, context.can_share)
        self._seats = Seats(context, self._prefixes)
        self.engine = Engine(context, self._seats, self._mailbox, model.forgetful, self._fail)

    def _free_context(self) -> None:
        self.engine = self._seats = None
        if self.draft_model is not None:
            self.draft_model.free()
            self.draft_model = None
        if self.context is not None:
            self.context.free()
            self.context = None

    def _free_model(self) -> None:
        self._free_context()
        if self._logprobs is not None:
            self._logprobs.free()
            self._logprobs = None
        if self.model is not None:
            self.model.free()
            self.model = None


def _prefixes(options: LoadOptions) -> Prefixes:
    files = None
    if options.prefix_folder is not None and options.prefix_disk_bytes > 0:
        folder = Path(options.prefix_folder)
        files = PrefixFiles(
            folder, options.prefix_key, options.prefix_identity, options.prefix_disk_bytes
        )
    return Prefixes(options.prefix_memory_bytes, files)
